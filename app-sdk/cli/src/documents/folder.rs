//! Reads a folder of files. Every file either becomes contributions or is passed over with a reason.

use super::{
    format::Format,
    metadata::{META, stated},
    piece::{Columns, Piece},
};
use crate::failure::of;
use anyhow::Result;
use bytes::Bytes;
use openledger_sdk::{
    ErrorKind,
    flow::contribute::Contribution,
    manifest::{Kind, Metadata, Original},
};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use walkdir::{DirEntry, WalkDir};

/// Most bytes of a file that is read.
const MOST_BYTES: u64 = 64 << 20;

/// How a folder is read.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The folder, or one file.
    pub folder: PathBuf,
    /// Whether symbolic links are followed.
    pub follow: bool,
    /// The columns of tables.
    pub columns: Columns,
    /// What the files are.
    pub kind: Kind,
    /// The leaf that they are about, unless they are documents.
    pub target: Option<[u8; 32]>,
    /// Author, licence and source of documents that do not name theirs.
    pub known: Metadata,
}

/// A text to contribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its file as shown to people, with the row of a table.
    pub name: String,
    /// The contribution.
    pub contribution: Contribution,
}

/// What is not contributed, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// The file or folder, as shown to people.
    pub name: String,
    /// Why it is passed over, and what to do.
    pub reason: String,
}

/// All texts below the folder, in the order of their files' names, and what is passed over. Fails if the folder does not
/// read, or if a file beside a document says what nobody understands.
pub fn read(reading: &Reading) -> Result<(Vec<Found>, Vec<Passed>)> {
    let (mut found, mut passed) = (Vec::new(), Vec::new());
    let mut entries = WalkDir::new(&reading.folder).follow_links(reading.follow).sort_by_file_name().into_iter();
    while let Some(entry) = entries.next() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(e) if e.depth() == 0 => return Err(unreadable(&reading.folder, &e)),
            Err(e) => {
                let name = e.path().map_or_else(String::new, |p| shown(p, &reading.folder));
                passed.push(Passed { name, reason: format!("it cannot be read: {e}") });
                continue;
            }
        };
        if entry.depth() > 0
            && let Some(reason) = strange(&entry)
        {
            passed.push(Passed { name: shown(entry.path(), &reading.folder), reason });
            if entry.file_type().is_dir() {
                entries.skip_current_dir();
            }
        } else if !entry.file_type().is_dir() {
            match file(&entry, reading)? {
                File::Texts(texts, empty) => {
                    found.extend(texts);
                    passed.extend(empty);
                }
                File::Passed(reason) => passed.push(Passed { name: shown(entry.path(), &reading.folder), reason }),
                File::Beside => {}
            }
        }
    }
    Ok((found, passed))
}

fn unreadable(folder: &Path, error: &walkdir::Error) -> anyhow::Error {
    of(ErrorKind::Input, format!("cannot read {}: {error}", folder.display()))
}

/// Why a file or folder is passed over, by its name.
fn strange(entry: &DirEntry) -> Option<String> {
    let Some(name) = entry.file_name().to_str() else { return Some("its name is not UTF-8: rename it".into()) };
    if name.starts_with('.') {
        return Some("it is hidden: its name begins with a dot".into());
    }
    if openledger_text::printable(name) != name {
        return Some("its name has characters that nobody sees: rename it".into());
    }
    None
}

/// What a file is.
enum File {
    /// What is in it, and which of its rows are empty.
    Texts(Vec<Found>, Vec<Passed>),
    Passed(String),
    /// It says something about the file beside it.
    Beside,
}

fn file(entry: &DirEntry, reading: &Reading) -> Result<File> {
    let path = entry.path();
    let passed = |reason: &str| Ok(File::Passed(reason.to_owned()));
    if let Some(of) = path.to_string_lossy().strip_suffix(META) {
        return match Path::new(of).exists() {
            true => Ok(File::Beside),
            false => passed(&format!("there is no {of} that it could be about")),
        };
    }
    if entry.path_is_symlink() && !reading.follow {
        return passed("it is a symbolic link: say --follow to follow it");
    }
    if !entry.file_type().is_file() {
        return passed("it is no regular file");
    }
    let length = entry.metadata().map(|m| m.len()).unwrap_or_default();
    if length > MOST_BYTES {
        return passed(&format!("it has {length} bytes, and at most {MOST_BYTES} are read: divide it"));
    }
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(e) => return passed(&format!("it cannot be read: {e}")),
    };
    let format = Format::of(path);
    let pieces = match format.pieces(&bytes, &reading.columns) {
        Ok(pieces) if pieces.iter().all(|p| p.text.trim().is_empty()) => return passed("it is empty"),
        Ok(pieces) => pieces,
        Err(reason) => return passed(&reason),
    };
    let (known, titled) = stated(path, &reading.known)?;
    let name = shown(path, &reading.folder);
    let extracted = format != Format::Plain;
    let sha256 = extracted.then(|| <[u8; 32]>::from(Sha256::digest(&bytes)));
    let original = extracted.then(|| Bytes::from(bytes));
    let name = |row: Option<u64>| row.map_or_else(|| name.clone(), |row| format!("{name}, row {row}"));
    let (empty, full): (Vec<Piece>, Vec<Piece>) = pieces.into_iter().partition(|p| p.text.trim().is_empty());
    let empty = empty.into_iter().map(|piece| Passed { name: name(piece.row), reason: "it is empty".into() });
    let texts = full.into_iter().map(|piece| {
        let Piece { title, text, row } = piece;
        let name = name(row);
        let title = if titled && row.is_none() { known.title.clone() } else { title.unwrap_or_else(|| name.clone()) };
        let metadata = Metadata {
            title,
            original: sha256.map(|sha256| Original { sha256, format: format.name().into(), row }),
            ..known.clone()
        };
        let (kind, target, original) = (reading.kind, reading.target, original.clone());
        Found { name, contribution: Contribution { content: text, kind, target, metadata, original } }
    });
    Ok(File::Texts(texts.collect(), empty.collect()))
}

/// A path as shown to people: below the folder that they named. A file that they named itself is its name, because titles
/// are made of it, and a path differs by where they stand.
fn shown(path: &Path, folder: &Path) -> String {
    let below = path.strip_prefix(folder).ok().filter(|p| !p.as_os_str().is_empty());
    let name = || path.file_name().map_or(path, Path::new);
    below.unwrap_or_else(name).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::{super::docx::tests::docx, *};

    fn reading(folder: &Path) -> Reading {
        Reading {
            folder: folder.into(),
            follow: false,
            columns: Columns::default(),
            kind: Kind::Document,
            target: None,
            known: Metadata { author: "everyone".into(), licence: "CC0-1.0".into(), ..Default::default() },
        }
    }

    fn reasons(passed: &[Passed]) -> Vec<(&str, &str)> {
        passed.iter().map(|p| (p.name.as_str(), p.reason.as_str())).collect()
    }

    #[test]
    fn files_become_documents_in_order_with_their_metadata() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("sub")).unwrap();
        std::fs::write(at("b.txt"), "second").unwrap();
        std::fs::write(at("a.txt"), "\u{feff}first").unwrap();
        std::fs::write(at("a.txt.meta.json"), r#"{"title":"The first","author":"Ann"}"#).unwrap();
        std::fs::write(at("sub/c.md"), "third").unwrap();
        let (found, passed) = read(&reading(folder.path())).unwrap();
        let shown: Vec<_> =
            found.iter().map(|f| (f.contribution.content.as_str(), f.contribution.metadata.title.as_str())).collect();
        assert_eq!(shown, [("first", "The first"), ("second", "b.txt"), ("third", "sub/c.md")]);
        let of = |i: usize| &found[i].contribution.metadata;
        assert_eq!((of(0).author.as_str(), of(1).author.as_str()), ("Ann", "everyone"));
        assert!(found.iter().all(|f| f.contribution.metadata.original.is_none()) && passed.is_empty());
    }

    #[test]
    fn the_text_and_the_file_that_it_is_from_are_both_named() {
        let folder = tempfile::tempdir().unwrap();
        let page = "<title>Bread</title><p>Flour and water.</p>";
        std::fs::write(folder.path().join("a.html"), page).unwrap();
        std::fs::write(folder.path().join("b.csv"), "title,text\nOne,first\n,second\n,\n").unwrap();
        std::fs::write(folder.path().join("c.docx"), docx(&[("word/document.xml", "<p><t>Word</t></p>")])).unwrap();
        let (found, passed) = read(&reading(folder.path())).unwrap();
        let shown: Vec<_> = found
            .iter()
            .map(|f| {
                let original = f.contribution.metadata.original.as_ref().unwrap();
                (f.contribution.content.as_str(), f.contribution.metadata.title.as_str(), original.row)
            })
            .collect();
        let expected = [
            ("Flour and water.", "Bread", None),
            ("first", "One", Some(1)),
            ("second", "b.csv, row 2", Some(2)),
            ("Word", "c.docx", None),
        ];
        assert_eq!((shown, reasons(&passed)), (expected.to_vec(), vec![("b.csv, row 3", "it is empty")]));
        let original = found[0].contribution.metadata.original.as_ref().unwrap();
        assert_eq!(original.sha256, <[u8; 32]>::from(Sha256::digest(page)));
        assert_eq!(
            (original.format.as_str(), found[0].contribution.original.as_deref()),
            ("html", Some(page.as_bytes()))
        );
    }

    #[test]
    fn whatever_is_passed_over_is_named_with_its_reason() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at(".git")).unwrap();
        std::fs::write(at(".git/config"), "not even named").unwrap();
        std::fs::write(at("a.bin"), [0xff, 0x00]).unwrap();
        std::fs::write(at("b.txt"), " \n").unwrap();
        std::fs::write(at("c\u{202e}.txt"), "text").unwrap();
        std::fs::write(at("d.txt"), [0xff, 0xfe, b'a', 0]).unwrap();
        std::fs::write(at("gone.txt.meta.json"), "{}").unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        std::fs::write(elsewhere.path().join("far.txt"), "text").unwrap();
        std::os::unix::fs::symlink(elsewhere.path().join("far.txt"), at("link.txt")).unwrap();
        let long = std::fs::File::create(at("z.txt")).unwrap();
        long.set_len(MOST_BYTES + 1).unwrap();
        let (found, passed) = read(&reading(folder.path())).unwrap();
        assert!(found.is_empty(), "{found:?}");
        let words = [
            "hidden",
            "not UTF-8",
            "empty",
            "nobody sees",
            "byte-order mark",
            "could be about",
            "--follow",
            "divide it",
        ];
        let reasons = reasons(&passed);
        assert_eq!(reasons.len(), words.len(), "{reasons:?}");
        for ((name, reason), word) in reasons.iter().zip(words) {
            assert!(reason.contains(word), "{name}: {reason}");
        }
        assert_eq!(reasons[0].0, ".git");
        let (found, _) = read(&Reading { follow: true, ..reading(folder.path()) }).unwrap();
        assert_eq!(found.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["link.txt"]);
    }

    #[test]
    fn a_file_beside_a_document_that_nobody_understands_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("x.txt"), "text").unwrap();
        std::fs::write(folder.path().join("x.txt.meta.json"), r#"{"titel":"x"}"#).unwrap();
        assert!(read(&reading(folder.path())).unwrap_err().to_string().contains("titel"));
        assert!(read(&reading(&folder.path().join("nowhere"))).unwrap_err().to_string().contains("nowhere"));
    }

    #[test]
    fn one_file_alone_is_read_whatever_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".note");
        std::fs::write(&path, "text").unwrap();
        let found = &read(&reading(&path)).unwrap().0[0];
        assert_eq!(found.contribution.content, "text");
        assert_eq!((found.name.as_str(), found.contribution.metadata.title.as_str()), (".note", ".note"));
    }
}
