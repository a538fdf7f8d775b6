//! What is known about a document beside its text: from the file `NAME.meta.json` beside it, else from the flags.

use crate::failure::of;
use anyhow::Result;
use openledger_sdk::{ErrorKind, manifest::Metadata};
use std::path::{Path, PathBuf};

/// The end of the names of files that say something about another file.
pub const META: &str = ".meta.json";

/// The file that would say something about this one.
pub fn beside(path: &Path) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    beside.push(META);
    beside.into()
}

/// What is known about the document at `path`, with `known` for what the file beside it does not say. Also says whether
/// the file beside it gives the title.
pub fn stated(path: &Path, known: &Metadata) -> Result<(Metadata, bool)> {
    let (mut known, mut titled) = (known.clone(), false);
    let beside = beside(path);
    let wrong = |what: String| of(ErrorKind::Input, what);
    let bytes = match std::fs::read(&beside) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok((known, false)),
        Err(e) => return Err(wrong(format!("cannot read {}: {e}", beside.display()))),
    };
    let stated: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(&bytes).map_err(|e| wrong(format!("{} is not a JSON object: {e}", beside.display())))?;
    for (name, value) in stated {
        let text = value.as_str().ok_or_else(|| wrong(format!("{name} in {} is not a text", beside.display())))?;
        match name.as_str() {
            "title" => (known.title, titled) = (text.into(), true),
            "author" => known.author = text.into(),
            "licence" => known.licence = text.into(),
            "source" => known.source = text.into(),
            _ => {
                return Err(wrong(format!(
                    "{} has the unknown key {name}: title, author, licence and source are known",
                    beside.display()
                )));
            }
        }
    }
    Ok((known, titled))
}
