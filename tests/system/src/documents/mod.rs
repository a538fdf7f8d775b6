//! The content of the demo's Datanets: real documents with real authors, from Debian packages.

pub mod dictd;
mod document;
pub mod manpages;

pub use document::{Document, tidy};

use anyhow::{Result, ensure};
use std::path::Path;

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
