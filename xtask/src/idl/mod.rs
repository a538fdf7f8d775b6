//! The programs' interface descriptions (Anchor IDL), committed under `app-sdk/idl`, and the tables of errors and
//! events that `app-sdk/interface` compiles.

mod describe;
mod tables;

use std::{fs, path::Path};

use anchor_lang_idl::types::Idl;
use anyhow::{Context, Result, bail};

use crate::{paths, programs::NAMES};

pub use describe::print;

/// Writes every program's description and the tables.
pub fn write() -> Result<()> {
    for File { path, text } in files()? {
        let path = paths::root().join(path);
        fs::create_dir_all(path.parent().expect("a file is in a folder"))?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        println!("{}", path.display());
    }
    Ok(())
}

/// Fails if a committed description or table differs from the programs' sources. The error names the files.
pub fn check() -> Result<()> {
    let files = files()?;
    let expected: Vec<String> = files.iter().map(|file| file.path.clone()).collect();
    let mut drifted = drifted(paths::root(), files);
    drifted.extend(left_over(paths::root(), &expected)?);
    if !drifted.is_empty() {
        bail!("{}: not what the source says. Run `cargo xtask idl` and commit the result", drifted.join(", "));
    }
    Ok(())
}

/// A committed file and its required content.
struct File {
    /// Its path from the repository's root.
    path: String,
    text: String,
}

fn drifted(root: &Path, files: Vec<File>) -> Vec<String> {
    let differs = |file: &File| fs::read_to_string(root.join(&file.path)).unwrap_or_default() != file.text;
    files.into_iter().filter(differs).map(|file| file.path).collect()
}

/// Files in the folder of the descriptions that describe no program.
fn left_over(root: &Path, expected: &[String]) -> Result<Vec<String>> {
    let folder = root.join("app-sdk/idl");
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let paths = entries.map(|entry| Ok(format!("app-sdk/idl/{}", entry?.file_name().display())));
    let paths: Vec<String> = paths.collect::<Result<_>>()?;
    Ok(paths.into_iter().filter(|path| !expected.contains(path)).collect())
}

/// Every file, made from the programs' sources.
fn files() -> Result<Vec<File>> {
    let shared = describe::shared_errors()?;
    let mut descriptions = Vec::new();
    for program in NAMES {
        let mut idl = describe::describe(program)?;
        // A description holds one error enum. Shared errors are added, so that its readers know every code that the
        // program can raise.
        idl.errors.extend(shared.clone());
        descriptions.push(idl);
    }
    let mut files = Vec::new();
    for (program, idl) in NAMES.iter().zip(&descriptions) {
        let text = serde_json::to_string_pretty(idl)? + "\n";
        files.push(File { path: description(program), text });
    }
    files.extend(tables(&descriptions)?);
    Ok(files)
}

/// Path of a program's description from the repository's root.
fn description(program: &str) -> String {
    format!("app-sdk/idl/{program}.json")
}

/// The tables made from these descriptions.
fn tables(descriptions: &[Idl]) -> Result<[File; 2]> {
    let file = |name: &str, text: &str| -> Result<File> {
        let text = tables::formatted(text)?;
        Ok(File { path: format!("app-sdk/interface/src/generated/{name}.rs"), text })
    };
    Ok([file("errors", &tables::errors(descriptions)?)?, file("events", &tables::events(descriptions)?)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn committed() -> Vec<Idl> {
        let read = |program| fs::read_to_string(paths::root().join(description(program))).unwrap();
        NAMES.iter().map(|program| serde_json::from_str(&read(program)).unwrap()).collect()
    }

    #[test]
    fn the_committed_tables_are_those_of_the_committed_descriptions() {
        assert_eq!(drifted(paths::root(), tables(&committed()).unwrap().into()), Vec::<String>::new());
    }

    #[test]
    fn every_description_has_the_shared_errors() {
        for idl in committed() {
            assert!(idl.errors.iter().any(|e| e.code == 7000 && e.name == "Overflow"), "{}", idl.metadata.name);
        }
    }

    #[test]
    fn a_file_that_differs_or_is_missing_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("same"), "1").unwrap();
        fs::write(folder.path().join("other"), "1").unwrap();
        let file = |path: &str, text: &str| File { path: path.into(), text: text.into() };
        let files = vec![file("same", "1"), file("other", "2"), file("missing", "3")];
        assert_eq!(drifted(folder.path(), files), ["other", "missing"]);
    }
}
