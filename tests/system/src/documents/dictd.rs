//! Dictionaries in dictd's format (RFC 2229's reference server): an index of base-64 offsets beside a gzip text.

use super::document::{Document, tidy};
use anyhow::{Context, Result, bail};
use flate2::read::MultiGzDecoder;
use std::{collections::BTreeSet, fs, io::Read, path::Path};

/// A dictionary and its metadata.
pub struct Dictionary {
    /// File name without ending; the package is `dict-NAME`.
    pub name: &'static str,
    /// Its author or editor.
    pub author: &'static str,
    /// SPDX licence expression.
    pub licence: &'static str,
}

/// The Free On-line Dictionary of Computing.
pub const FOLDOC: Dictionary = Dictionary { name: "foldoc", author: "Denis Howe", licence: "GFDL-1.1-or-later" };
/// The Jargon File.
pub const JARGON: Dictionary =
    Dictionary { name: "jargon", author: "Eric S. Raymond", licence: "LicenseRef-public-domain" };
/// The Devil's Dictionary.
pub const DEVIL: Dictionary =
    Dictionary { name: "devil", author: "Ambrose Bierce", licence: "LicenseRef-public-domain" };

/// `count` usable entries, spread evenly over the alphabet.
pub fn read(package: &Path, dictionary: &Dictionary, count: usize) -> Result<Vec<Document>> {
    let base = package.join("usr/share/dictd");
    let index = base.join(format!("{}.index", dictionary.name));
    let index = fs::read_to_string(&index)
        .with_context(|| format!("{} is missing; run `cargo xtask fetch`", index.display()))?;
    let mut text = Vec::new();
    MultiGzDecoder::new(fs::File::open(base.join(format!("{}.dict.dz", dictionary.name)))?).read_to_end(&mut text)?;
    let mut seen = BTreeSet::new();
    let mut entries = Vec::new();
    for line in index.lines() {
        let mut fields = line.split('\t');
        let (Some(term), Some(at), Some(length)) = (fields.next(), fields.next(), fields.next()) else { continue };
        let (at, length) = (number(at)?, number(length)?);
        let plain_term = term.len() >= 4 && term.chars().all(|c| c.is_ascii_alphabetic() || c == ' ');
        if !plain_term || term.starts_with("00") || !seen.insert(at) {
            continue;
        }
        let Some(entry) = text.get(at..at + length) else {
            bail!("the index of {} points behind its text; run `cargo xtask fetch` again", dictionary.name)
        };
        if let Some(text) = definition(term, &String::from_utf8_lossy(entry)) {
            entries.push(Document {
                title: term.to_string(),
                author: dictionary.author.into(),
                licence: dictionary.licence.into(),
                source: format!("dict-{}:{term}", dictionary.name),
                text,
            });
        }
    }
    let step = (entries.len() / count.max(1)).max(1);
    Ok(entries.into_iter().step_by(step).take(count).collect())
}

/// The first paragraphs of an entry without cross-reference braces and tags.
fn definition(term: &str, entry: &str) -> Option<String> {
    let body = entry.split_once('\n').map_or(entry, |(_, b)| b);
    let body = if body.trim().is_empty() { entry } else { body };
    let plain: String = body.chars().filter(|c| !matches!(c, '{' | '}')).collect();
    let paragraph = plain.split("\n\n").find(|p| p.split_whitespace().count() >= 10)?;
    let paragraph = paragraph.trim().trim_start_matches(|c: char| c.is_ascii_digit() || c == '.' || c == ' ');
    let paragraph = match paragraph.strip_prefix('<') {
        Some(tagged) => tagged.split_once('>')?.1,
        None => paragraph,
    };
    tidy(&format!("{term}: {}", paragraph.trim()))
}

/// dictd's base-64 numbers, most significant digit first.
fn number(digits: &str) -> Result<usize> {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    digits.chars().try_fold(0usize, |n, c| {
        let d = ALPHABET.find(c).with_context(|| format!("{digits:?} is no number of a dictd index"))?;
        Ok(n * 64 + d)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dictd_numbers_are_base_64() {
        assert_eq!(number("A").unwrap(), 0);
        assert_eq!(number("BA").unwrap(), 64);
        assert_eq!(number("/").unwrap(), 63);
        assert!(number("!").is_err());
    }

    #[test]
    fn an_entry_loses_its_braces_and_tags() {
        let entry = "array\n\n   1. <programming> A collection of identically typed data items distinguished by their {indices} (or subscripts), of which the number of dimensions is known.\n\n   More.\n";
        let d = definition("array", entry).unwrap();
        assert!(d.starts_with("array: A collection of identically typed data items"), "{d}");
        assert!(d.contains("their indices"));
    }
}
