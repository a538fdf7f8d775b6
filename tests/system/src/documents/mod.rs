//! The content of the demo's Datanets: real documents with real authors, from Debian packages.

pub mod dictd;
pub mod manpages;

use anyhow::{Result, ensure};
use std::path::Path;

/// One document to contribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its title: the name of a function, or a term.
    pub title: String,
    /// The person or body that wrote it.
    pub author: String,
    /// SPDX licence expression.
    pub licence: String,
    /// Package and file that it comes from.
    pub source: String,
    /// UTF-8 text.
    pub text: String,
}

/// A Datanet to be made of documents.
pub struct Collection {
    /// Its name.
    pub name: &'static str,
    /// One line about it.
    pub description: &'static str,
    /// SPDX licence expression of the whole.
    pub licence: &'static str,
    /// Whether training on it needs a grant.
    pub permissioned: bool,
    /// Its documents, grouped by author.
    pub documents: Vec<Document>,
}

/// Longest document in characters. Longer texts are cut at the end of an earlier sentence.
pub const MAX_CHARS: usize = 420;

/// The three collections: `per_author` documents of each of `authors` manual-page authors, `terms` computing terms of
/// each dictionary, and `satire` definitions. `root` holds the unpacked packages.
pub fn collections(
    root: &Path,
    authors: usize,
    per_author: usize,
    terms: usize,
    satire: usize,
) -> Result<Vec<Collection>> {
    let pages = manpages::read(&root.join("manpages-dev"), authors, per_author)?;
    ensure!(
        pages.len() == authors * per_author,
        "{} holds only {} usable manual pages of {authors} authors; run `cargo xtask fetch` again",
        root.join("manpages-dev").display(),
        pages.len()
    );
    let mut computing = dictd::read(&root.join("dict-foldoc"), &dictd::FOLDOC, terms)?;
    computing.extend(dictd::read(&root.join("dict-jargon"), &dictd::JARGON, terms)?);
    let devil = dictd::read(&root.join("dict-devil"), &dictd::DEVIL, satire)?;
    Ok(vec![
        Collection {
            name: "Linux programming",
            description: "What the functions of the Linux programming interface do, by the authors of its manual pages.",
            licence: "Linux-man-pages-copyleft",
            permissioned: false,
            documents: pages,
        },
        Collection {
            name: "Computing terms",
            description: "Terms of computing explained: the Free On-line Dictionary of Computing and the Jargon File.",
            licence: "GFDL-1.3-or-later",
            permissioned: false,
            documents: computing,
        },
        Collection {
            name: "The Devil's Dictionary",
            description: "Ambrose Bierce's satirical definitions; trained on only with the owner's grant.",
            licence: "LicenseRef-public-domain",
            permissioned: true,
            documents: devil,
        },
    ])
}

/// Collapses white space and cuts at the last sentence's end before [`MAX_CHARS`]; `None` where nothing usable is left.
pub fn tidy(text: &str) -> Option<String> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut = match text.char_indices().nth(MAX_CHARS) {
        None => text.as_str(),
        Some((end, _)) => &text[..text[..end].rfind(". ")? + 1],
    };
    let cut = cut.trim();
    (cut.chars().count() >= 80 && cut.ends_with('.')).then(|| cut.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tidy_cuts_at_a_sentence_end_and_refuses_scraps() {
        let long = "A sentence that says something about something. ".repeat(20);
        let cut = tidy(&long).unwrap();
        assert!(cut.len() <= MAX_CHARS && cut.ends_with('.'));
        assert_eq!(tidy("Too short."), None);
        assert_eq!(tidy(&"no end ".repeat(100)), None);
    }
}
