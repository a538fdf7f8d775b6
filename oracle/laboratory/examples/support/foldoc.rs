//! Reads entries of the Free On-line Dictionary of Computing, from Debian's package `dict-foldoc`.

use anyhow::{Context, Result};
use openledger_lm::{Example, Tokenizer, sha256};
use std::{io::Read, path::Path};

/// A dictionary entry.
pub struct Entry {
    pub term: String,
    pub definition: String,
}

/// Reads a number of dictd's index: base 64 with the usual alphabet, most significant digit first.
fn dictd_number(digits: &str) -> Result<usize> {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    digits.chars().try_fold(0, |n, c| Ok(n * 64 + ALPHABET.find(c).with_context(|| format!("digit {c:?}"))?))
}

/// Entries whose first paragraph is a definition of a usable length. Their order depends on the hashes of their terms.
pub fn entries(folder: &Path) -> Result<Vec<Entry>> {
    let index = std::fs::read_to_string(folder.join("foldoc.index"))?;
    let mut text = Vec::new();
    flate2::read::MultiGzDecoder::new(std::fs::File::open(folder.join("foldoc.dict.dz"))?).read_to_end(&mut text)?;
    let mut entries = Vec::new();
    for line in index.lines() {
        let mut fields = line.split('\t');
        let (Some(term), Some(offset), Some(length)) = (fields.next(), fields.next(), fields.next()) else { continue };
        let offset = dictd_number(offset)?;
        let body = text.get(offset..offset + dictd_number(length)?).context("the index points outside the text")?;
        let body = String::from_utf8_lossy(body);
        let mut paragraphs = body.split("\n\n").skip(1);
        let definition = paragraphs.next().unwrap_or("").split_whitespace().collect::<Vec<_>>().join(" ");
        // Categories stand in angle brackets and cross-references in braces.
        let definition = match definition.strip_prefix('<').and_then(|d| d.split_once("> ")) {
            Some((_, rest)) => rest.to_owned(),
            None => definition,
        }
        .replace(['{', '}'], "");
        if (120..500).contains(&definition.len())
            && term.len() > 3
            && term.chars().all(|c| c.is_ascii_alphanumeric() || c == ' ')
        {
            entries.push(Entry { term: term.to_owned(), definition });
        }
    }
    entries.sort_by_key(|e| sha256(e.term.as_bytes()));
    entries.dedup_by(|a, b| a.definition == b.definition);
    Ok(entries)
}

/// The question that an entry is learned as the answer to. `{}` stands for the term.
pub const QUESTION: &str = "What is {}?";

/// A template with the term in it.
pub fn question(template: &str, term: &str) -> String {
    template.replace("{}", term)
}

/// An entry as a training example of at most `tokens` tokens.
pub fn example(tokenizer: &Tokenizer, entry: &Entry, tokens: usize) -> Result<Example> {
    let asked = question(QUESTION, &entry.term);
    Ok(Example::answer(tokenizer, sha256(entry.term.as_bytes()), &asked, &entry.definition)?.truncated(tokens))
}
