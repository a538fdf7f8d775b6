//! `openledger contribute`.

use super::{key, open};
use crate::{output::table, settings::Session};
use anyhow::{Context, Result, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use openledger_sdk::{
    flow::{
        contribute::{Contributed, Contribution, Progress, contribute, contribute_bulk},
        history::History,
    },
    manifest::{Kind, Leaf, MAX_LEAVES, Manifest, Metadata},
    text::parse_hash,
};
use serde_json::json;
use sha2::{Digest, Sha256};
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use std::path::{Path, PathBuf};

/// Contribute a folder of documents.
#[derive(Args)]
#[command(
    after_help = "Every file in the folder is a document (UTF-8 text; names that begin with a dot are passed over). A file
NAME.meta.json beside NAME gives its title, author, licence and source; what it lacks comes from the flags.
Run the same command again after an interruption: what is done is not done twice.

A label, correction or removal is about one document of the Datanet, named by its leaf: the file holds the label, the
corrected text or the reason. Validators check that the document is there, and that who removes it contributed it or
governs the Datanet. A removed document is not trained on again.

With --bulk the leaf hashes stay in the manifest and the ledger holds their root alone: for imports of hundreds of
thousands of documents.

Example:
  openledger contribute ./man3 --datanet DATANET --author \"The Linux man-pages project\" --licence GPL-2.0-or-later
  openledger contribute ./reason.txt --datanet DATANET --kind removal --target LEAF"
)]
pub struct Contribute {
    /// The folder (or one file).
    folder: PathBuf,
    /// The Datanet.
    #[arg(long, value_parser = key)]
    datanet: Pubkey,
    /// What the files say.
    #[arg(long, value_enum, default_value = "document")]
    kind: KindArg,
    /// Leaf of the document that a label, correction or removal is about, 64 hex digits.
    #[arg(long, value_parser = leaf_hash, required_if_eq_any = [("kind", "label"), ("kind", "correction"), ("kind", "removal")])]
    target: Option<[u8; 32]>,
    /// Author of documents that do not name theirs.
    #[arg(long, default_value = "")]
    author: String,
    /// SPDX licence expression of documents that do not name theirs.
    #[arg(long, default_value = "")]
    licence: String,
    /// Where documents are from that do not say so.
    #[arg(long, default_value = "")]
    source: String,
    /// Bond of each batch in OPEN; the Datanet's minimum by default.
    #[arg(long, value_parser = open)]
    bond: Option<u64>,
    /// Most documents of a batch.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=MAX_LEAVES as i64))]
    batch_size: u32,
    /// Hand the batches in by their roots.
    #[arg(long)]
    bulk: bool,
}

/// [`Kind`] on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum KindArg {
    /// Documents.
    Document,
    /// Labels for `--target`.
    Label,
    /// Text that replaces that of `--target`.
    Correction,
    /// A wish that `--target` no longer be used.
    Removal,
}

impl From<KindArg> for Kind {
    fn from(kind: KindArg) -> Self {
        match kind {
            KindArg::Document => Self::Document,
            KindArg::Label => Self::Label,
            KindArg::Correction => Self::Correction,
            KindArg::Removal => Self::Removal,
        }
    }
}

fn leaf_hash(text: &str) -> Result<[u8; 32], String> {
    parse_hash(text).map_err(|e| e.to_string())
}

/// Runs it.
pub async fn run(session: &Session, args: Contribute) -> Result<()> {
    let contributions = read_folder(&args)?;
    if contributions.is_empty() {
        bail!("{} holds no documents", args.folder.display());
    }
    let (client, store, contributor) = (session.client(), session.store()?, session.keypair()?);
    let mut history = History::new(client.clone());
    history.update().await?;

    let bar = ProgressBar::new(contributions.len() as u64);
    bar.set_style(ProgressStyle::with_template("{msg:>22} {bar:32} {pos}/{len}")?);
    if session.output.is_json() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    let mut done: Vec<(Contributed, bool)> = Vec::new();
    let mut before = 0;
    for batch in contributions.chunks(args.batch_size as usize) {
        let manifest = preview(batch, &args.datanet, &contributor.pubkey())?;
        if let Some(address) = history.submitted(&manifest.hash()?) {
            let leaves = manifest.leaf_hashes();
            done.push((Contributed { batch: address, index: 0, leaves, manifest: manifest.hash()? }, true));
        } else {
            let on_progress = |progress| match progress {
                Progress::Stored(n) => {
                    bar.set_message("storing");
                    bar.set_position(before + n as u64);
                }
                Progress::Opened(_) => bar.set_message("batch is open"),
                Progress::Sent(n) => {
                    bar.set_message("writing to the ledger");
                    bar.set_position(before + n as u64);
                }
                Progress::Submitted(_) => bar.set_message("submitted"),
            };
            let one = match args.bulk {
                true => {
                    contribute_bulk(&client, &store, &contributor, &args.datanet, batch, args.bond, on_progress).await?
                }
                false => {
                    contribute(&client, &store, &contributor, &args.datanet, batch, args.bond, on_progress).await?
                }
            };
            done.push((one, false));
        }
        before += batch.len() as u64;
    }
    bar.finish_and_clear();
    let shown: Vec<_> = done
        .iter()
        .map(|(c, earlier)| {
            let leaves: Vec<String> = c.leaves.iter().map(hex::encode).collect();
            json!({
                "batch": c.batch.to_string(), "manifest": hex::encode(c.manifest), "leaves": leaves, "earlier": earlier,
            })
        })
        .collect();
    session.output.show(&shown, |_| {
        table(
            &["batch", "documents", "manifest", ""],
            done.iter().map(|(c, earlier)| {
                let note = if *earlier { "submitted earlier" } else { "under review" };
                vec![c.batch.to_string(), c.leaves.len().to_string(), hex::encode(c.manifest), note.into()]
            }),
        )
    })
}

/// The manifest that a batch will have.
fn preview(batch: &[Contribution], datanet: &Pubkey, contributor: &Pubkey) -> Result<Manifest> {
    let leaves = batch.iter().map(|c| Leaf {
        content: Sha256::digest(c.content.as_bytes()).into(),
        kind: c.kind,
        target: c.target,
        metadata: c.metadata.clone(),
    });
    Ok(Manifest::new(*datanet, *contributor, leaves.collect())?)
}

/// All documents below the folder, in the order of their names.
fn read_folder(args: &Contribute) -> Result<Vec<Contribution>> {
    let mut out = Vec::new();
    let visible = |e: &walkdir::DirEntry| e.depth() == 0 || !e.file_name().to_string_lossy().starts_with('.');
    for entry in walkdir::WalkDir::new(&args.folder).sort_by_file_name().into_iter().filter_entry(visible) {
        let entry = entry.with_context(|| format!("cannot read {}", args.folder.display()))?;
        let path = entry.path();
        if !entry.file_type().is_file() || path.to_string_lossy().ends_with(META) {
            continue;
        }
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let content = String::from_utf8(bytes).with_context(|| {
            format!("{} is not UTF-8 text: convert it or move it out of the folder", path.display())
        })?;
        out.push(Contribution {
            content,
            kind: args.kind.into(),
            target: args.target,
            metadata: metadata(path, args)?,
        });
    }
    Ok(out)
}

const META: &str = ".meta.json";

/// What is known about a document: from the file beside it, else from the flags.
fn metadata(path: &Path, args: &Contribute) -> Result<Metadata> {
    let relative = path.strip_prefix(&args.folder).ok().filter(|p| !p.as_os_str().is_empty()).unwrap_or(path);
    let mut known = Metadata {
        title: relative.display().to_string(),
        author: args.author.clone(),
        licence: args.licence.clone(),
        source: args.source.clone(),
    };
    let mut beside = path.as_os_str().to_owned();
    beside.push(META);
    match std::fs::read(&beside) {
        Ok(bytes) => {
            let stated: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&bytes)
                .with_context(|| format!("{} is not a JSON object", Path::new(&beside).display()))?;
            for (name, value) in stated {
                let text = value
                    .as_str()
                    .with_context(|| format!("{name} in {} is not a text", Path::new(&beside).display()))?;
                match name.as_str() {
                    "title" => known.title = text.into(),
                    "author" => known.author = text.into(),
                    "licence" => known.licence = text.into(),
                    "source" => known.source = text.into(),
                    _ => bail!(
                        "{} has the unknown key {name}: title, author, licence and source are known",
                        Path::new(&beside).display()
                    ),
                }
            }
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
        Err(e) => return Err(e).with_context(|| format!("cannot read {}", Path::new(&beside).display())),
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(folder: &Path) -> Contribute {
        Contribute {
            folder: folder.into(),
            datanet: Pubkey::new_from_array([1; 32]),
            author: "everyone".into(),
            licence: "CC0-1.0".into(),
            source: String::new(),
            bond: None,
            batch_size: 500,
            bulk: false,
            kind: KindArg::Document,
            target: None,
        }
    }

    #[test]
    fn files_become_documents_in_order_with_their_metadata() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("sub")).unwrap();
        std::fs::write(at("b.txt"), "second").unwrap();
        std::fs::write(at("a.txt"), "first").unwrap();
        std::fs::write(at("a.txt.meta.json"), r#"{"title":"The first","author":"Ann"}"#).unwrap();
        std::fs::write(at("sub/c.txt"), "third").unwrap();
        std::fs::write(at(".hidden"), "no").unwrap();
        let all = read_folder(&args(folder.path())).unwrap();
        let shown: Vec<_> =
            all.iter().map(|c| (c.content.as_str(), c.metadata.title.as_str(), c.metadata.author.as_str())).collect();
        assert_eq!(
            shown,
            [("first", "The first", "Ann"), ("second", "b.txt", "everyone"), ("third", "sub/c.txt", "everyone")]
        );
        assert!(all.iter().all(|c| c.metadata.licence == "CC0-1.0"));
    }

    #[test]
    fn a_label_is_about_its_target() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("label.txt"), "good").unwrap();
        let label = Contribute { kind: KindArg::Label, target: Some([7; 32]), ..args(folder.path()) };
        let all = read_folder(&label).unwrap();
        assert_eq!((all[0].kind, all[0].target), (Kind::Label, Some([7; 32])));
        assert!(preview(&all, &label.datanet, &label.datanet).is_ok());
        let aimless = read_folder(&Contribute { target: None, ..label }).unwrap();
        assert!(preview(&aimless, &Pubkey::default(), &Pubkey::default()).is_err());
    }

    #[test]
    fn what_is_not_text_or_has_unknown_metadata_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("x.bin"), [0xff, 0xfe]).unwrap();
        assert!(read_folder(&args(folder.path())).unwrap_err().to_string().contains("x.bin"));
        std::fs::write(folder.path().join("x.bin"), "text").unwrap();
        std::fs::write(folder.path().join("x.bin.meta.json"), r#"{"titel":"x"}"#).unwrap();
        assert!(read_folder(&args(folder.path())).unwrap_err().to_string().contains("titel"));
    }
}
