//! The manifest of a batch: the preimages and metadata of its leaves. It is one JSON blob whose SHA-256 is on chain.

use crate::{
    canonical,
    text::{hash_hex, hash_hex_opt, key_b58},
};
use openledger_protocol::{
    Hash32,
    hash::{ZERO, sha256},
    leaf::{Contribution, LeafKind},
    mmr,
};
use serde::{Deserialize, Serialize};
use solana_pubkey::Pubkey;
use std::collections::HashSet;

/// The layout version that this crate writes and reads.
pub const VERSION: u32 = 1;
/// Most leaves that the program accepts in a bulk batch. A batch whose leaves are on the ledger has at most
/// [`datanet::state::MAX_BATCH`].
pub const MAX_LEAVES: usize = datanet::state::MAX_BULK as usize;

/// Longest manifest that is read, in bytes. A leaf takes some 200 bytes without the texts of its metadata, so that a
/// manifest of [`MAX_LEAVES`] leaves fits, and a stranger's does not fill its readers' memory.
pub const MOST_BYTES: u64 = 256 << 20;

/// Longest text of a leaf's metadata, in bytes. Readers show many leaves at once, whose texts strangers have written.
pub const MOST_TEXT: usize = 1024;

/// Why a manifest was refused.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It is not JSON of this shape.
    #[error("the manifest is not readable: {0}")]
    Json(#[from] serde_json::Error),
    /// It has no canonical form.
    #[error(transparent)]
    Canonical(#[from] canonical::CanonicalError),
    /// Its version is unknown.
    #[error("manifest version {0} is unknown, this software reads version {VERSION}")]
    Version(u32),
    /// It has no leaves or too many.
    #[error("a manifest has 1 to {MAX_LEAVES} leaves, this one has {0}")]
    Count(usize),
    /// It is longer than its readers take.
    #[error("the manifest has {0} bytes, and at most {MOST_BYTES} are read: put fewer leaves in a batch")]
    Length(usize),
    /// A leaf lacks its target, or has one that it must not have.
    #[error("leaf {index}: a {kind:?} {rule}")]
    Target {
        /// Place of the leaf.
        index: usize,
        /// Its kind.
        kind: Kind,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// A text of a leaf's metadata is too long.
    #[error("the {field} of leaf {index} has {bytes} bytes, and at most {MOST_TEXT} are taken")]
    Text {
        /// Place of the leaf.
        index: usize,
        /// The text.
        field: &'static str,
        /// Its length.
        bytes: usize,
    },
    /// Two leaves are the same contribution.
    #[error("leaves {first} and {second} are the same contribution")]
    Twice {
        /// Place of the first.
        first: usize,
        /// Place of the second.
        second: usize,
    },
    /// It belongs to another Datanet or contributor than the batch on chain.
    #[error("the manifest's {what} is {found}, the batch's is {expected}")]
    Other {
        /// Name of the field that differs.
        what: &'static str,
        /// Its value in the manifest.
        found: String,
        /// Its value on chain.
        expected: String,
    },
}

/// The kind of a leaf. It is the JSON form of [`LeafKind`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A document.
    Document,
    /// A label for `target`.
    Label,
    /// Content that replaces that of `target`.
    Correction,
    /// A request that `target` no longer be used.
    Removal,
}

impl Kind {
    /// Whether a model learns the content of such a leaf. Nobody learns from a label or the reason of a removal.
    pub fn is_learned(self) -> bool {
        matches!(self, Self::Document | Self::Correction)
    }
}

impl From<Kind> for LeafKind {
    fn from(k: Kind) -> Self {
        match k {
            Kind::Document => Self::Document,
            Kind::Label => Self::Label,
            Kind::Correction => Self::Correction,
            Kind::Removal => Self::Removal,
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Document => "document",
            Self::Label => "label",
            Self::Correction => "correction",
            Self::Removal => "removal",
        })
    }
}

/// Metadata about a contribution's content. The hash of its canonical JSON is part of the leaf.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// Title.
    pub title: String,
    /// Author.
    pub author: String,
    /// SPDX licence expression.
    pub licence: String,
    /// Where the content is from.
    pub source: String,
    /// The file that the content was extracted from. Absent if the content is the file itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<Original>,
}

/// The file that a content was extracted from. What is learned is the content; this says where to see it whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Original {
    /// SHA-256 of the file, under which the artifact store has it.
    #[serde(with = "hash_hex")]
    pub sha256: Hash32,
    /// Its format: `html`, `csv`, `jsonl`, `docx` or `pdf`.
    pub format: String,
    /// The row of a table that the content is from, the first being 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
}

impl Metadata {
    /// SHA-256 of the metadata's canonical JSON.
    pub fn hash(&self) -> Hash32 {
        canonical::hash(self).expect("strings have a canonical form")
    }

    /// The first text that has more than [`MOST_TEXT`] bytes: its field, and its length.
    pub fn too_long(&self) -> Option<(&'static str, usize)> {
        let format = self.original.as_ref().map_or("", |original| &original.format);
        let texts = [
            ("title", &*self.title),
            ("author", &*self.author),
            ("licence", &*self.licence),
            ("source", &*self.source),
            ("format", format),
        ];
        texts.into_iter().map(|(field, text)| (field, text.len())).find(|(_, bytes)| *bytes > MOST_TEXT)
    }
}

/// One contribution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leaf {
    /// SHA-256 of the content: its name in the artifact store.
    #[serde(with = "hash_hex")]
    pub content: Hash32,
    /// Its kind.
    pub kind: Kind,
    /// The leaf that a label, correction or removal is about.
    #[serde(with = "hash_hex_opt")]
    pub target: Option<Hash32>,
    /// Metadata about the content.
    pub metadata: Metadata,
}

/// A batch's manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Layout version.
    pub version: u32,
    /// The Datanet account.
    #[serde(with = "key_b58")]
    pub datanet: Pubkey,
    /// The contributor's wallet.
    #[serde(with = "key_b58")]
    pub contributor: Pubkey,
    /// The contributions, in the order of their leaf hashes on chain.
    pub leaves: Vec<Leaf>,
}

impl Manifest {
    /// Makes a manifest and checks it with [`Manifest::check`] and [`Manifest::check_texts`].
    pub fn new(datanet: Pubkey, contributor: Pubkey, leaves: Vec<Leaf>) -> Result<Self, ManifestError> {
        let manifest = Self { version: VERSION, datanet, contributor, leaves };
        manifest.check()?;
        manifest.check_texts()?;
        Ok(manifest)
    }

    /// Reads a manifest from a blob and checks it with [`Manifest::check`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ManifestError> {
        let manifest: Self = serde_json::from_slice(bytes)?;
        manifest.check()?;
        Ok(manifest)
    }

    /// The blob: the manifest's canonical JSON. Fails if it has more than [`MOST_BYTES`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, ManifestError> {
        let bytes = canonical::to_vec(self)?;
        match bytes.len() as u64 <= MOST_BYTES {
            true => Ok(bytes),
            false => Err(ManifestError::Length(bytes.len())),
        }
    }

    /// SHA-256 of the blob, as the chain holds it.
    pub fn hash(&self) -> Result<Hash32, ManifestError> {
        Ok(sha256(&[&self.to_bytes()?]))
    }

    /// Checks the version, the number of leaves, their targets, and that no leaf occurs twice.
    pub fn check(&self) -> Result<(), ManifestError> {
        if self.version != VERSION {
            return Err(ManifestError::Version(self.version));
        }
        if self.leaves.is_empty() || self.leaves.len() > MAX_LEAVES {
            return Err(ManifestError::Count(self.leaves.len()));
        }
        for (index, leaf) in self.leaves.iter().enumerate() {
            let rule = match (LeafKind::from(leaf.kind).needs_target(), leaf.target) {
                (true, None | Some(ZERO)) => "must name its target leaf",
                (false, Some(_)) => "must not name a target",
                _ => continue,
            };
            return Err(ManifestError::Target { index, kind: leaf.kind, rule });
        }
        let mut seen = HashSet::new();
        let hashes = self.leaf_hashes();
        for (second, hash) in hashes.iter().enumerate() {
            if !seen.insert(hash) {
                let first = hashes.iter().position(|h| h == hash).unwrap_or(second);
                return Err(ManifestError::Twice { first, second });
            }
        }
        Ok(())
    }

    /// Checks that no text of the leaves is longer than [`MOST_TEXT`]. It is asked of new batches alone: whatever a Datanet has
    /// accepted is read.
    pub fn check_texts(&self) -> Result<(), ManifestError> {
        let too_long =
            |(index, leaf): (usize, &Leaf)| leaf.metadata.too_long().map(|(field, bytes)| (index, field, bytes));
        match self.leaves.iter().enumerate().find_map(too_long) {
            Some((index, field, bytes)) => Err(ManifestError::Text { index, field, bytes }),
            None => Ok(()),
        }
    }

    /// Checks that the manifest is for this Datanet and contributor.
    pub fn check_batch(&self, datanet: &Pubkey, contributor: &Pubkey) -> Result<(), ManifestError> {
        let pairs = [("datanet", &self.datanet, datanet), ("contributor", &self.contributor, contributor)];
        for (what, found, expected) in pairs {
            if found != expected {
                return Err(ManifestError::Other { what, found: found.to_string(), expected: expected.to_string() });
            }
        }
        Ok(())
    }

    /// The preimage of leaf `index`, or `None` beyond the last leaf.
    pub fn contribution(&self, index: usize) -> Option<Contribution> {
        self.leaves.get(index).map(|leaf| Contribution {
            datanet: self.datanet.to_bytes(),
            contributor: self.contributor.to_bytes(),
            content: leaf.content,
            kind: leaf.kind.into(),
            target: leaf.target.unwrap_or(ZERO),
            metadata: leaf.metadata.hash(),
        })
    }

    /// All leaf hashes, in order.
    pub fn leaf_hashes(&self) -> Vec<Hash32> {
        (0..self.leaves.len()).filter_map(|i| self.contribution(i)).map(|c| c.hash()).collect()
    }

    /// Root of the range over the leaves, as the chain computes it.
    pub fn root(&self) -> Hash32 {
        mmr::root_of(&self.leaf_hashes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(n: u8) -> Leaf {
        let metadata = Metadata { title: format!("page {n}"), ..Default::default() };
        Leaf { content: [n; 32], kind: Kind::Document, target: None, metadata }
    }

    fn manifest(leaves: Vec<Leaf>) -> Result<Manifest, ManifestError> {
        Manifest::new(Pubkey::new_from_array([1; 32]), Pubkey::new_from_array([2; 32]), leaves)
    }

    #[test]
    fn survives_its_bytes_and_the_bytes_are_canonical() {
        let m = manifest(vec![document(1), document(2)]).unwrap();
        let bytes = m.to_bytes().unwrap();
        assert_eq!(Manifest::from_bytes(&bytes).unwrap(), m);
        assert!(bytes.starts_with(br#"{"contributor":""#));
        assert_eq!(m.hash().unwrap(), sha256(&[&bytes]));
    }

    #[test]
    fn a_leaf_binds_every_field() {
        let base = manifest(vec![document(1)]).unwrap().leaf_hashes()[0];
        let mut other = document(1);
        other.metadata.author = "someone else".into();
        assert_ne!(manifest(vec![other]).unwrap().leaf_hashes()[0], base);
        let mut extracted = document(1);
        extracted.metadata.original = Some(Original { sha256: [8; 32], format: "pdf".into(), row: None });
        assert_ne!(manifest(vec![extracted]).unwrap().leaf_hashes()[0], base);
        assert_ne!(manifest(vec![Leaf { content: [9; 32], ..document(1) }]).unwrap().leaf_hashes()[0], base);
        let label = Leaf { kind: Kind::Label, target: Some([5; 32]), ..document(1) };
        assert_ne!(manifest(vec![label]).unwrap().leaf_hashes()[0], base);
    }

    #[test]
    fn a_document_that_is_its_own_original_reads_and_hashes_as_ever() {
        let m = manifest(vec![document(1)]).unwrap();
        assert!(!String::from_utf8(m.to_bytes().unwrap()).unwrap().contains("original"));
        let metadata = r#"{"author":"","licence":"","source":"","title":"page 1"}"#;
        assert_eq!(m.leaves[0].metadata.hash(), sha256(&[metadata.as_bytes()]));
        assert_eq!(serde_json::from_str::<Metadata>(metadata).unwrap(), m.leaves[0].metadata);
    }

    #[test]
    fn targets_are_asked_for_exactly_where_they_belong() {
        let with = Leaf { target: Some([5; 32]), ..document(1) };
        assert!(matches!(manifest(vec![with]), Err(ManifestError::Target { index: 0, .. })));
        for target in [None, Some(ZERO)] {
            let without = Leaf { kind: Kind::Correction, target, ..document(1) };
            assert!(matches!(manifest(vec![document(2), without]), Err(ManifestError::Target { index: 1, .. })));
        }
    }

    #[test]
    fn a_text_that_no_reader_would_show_is_refused_by_its_field() {
        let titled = |bytes: usize| {
            let mut leaf = document(1);
            leaf.metadata.title = "é".repeat(bytes / 2);
            manifest(vec![document(0), leaf])
        };
        titled(MOST_TEXT).expect("as long as a text may be");
        let error = titled(MOST_TEXT + 2).unwrap_err();
        assert!(matches!(error, ManifestError::Text { index: 1, field: "title", bytes: 1026 }), "{error}");
        // What an older client made and a Datanet has accepted is read all the same.
        let mut accepted = manifest(vec![document(0)]).unwrap();
        accepted.leaves[0].metadata.title = "t".repeat(MOST_TEXT + 1);
        assert_eq!(Manifest::from_bytes(&accepted.to_bytes().unwrap()).unwrap(), accepted);
    }

    #[test]
    fn empty_repeated_or_foreign_contents_are_refused() {
        assert!(matches!(manifest(vec![]), Err(ManifestError::Count(0))));
        let twice = manifest(vec![document(1), document(2), document(1)]);
        assert!(matches!(twice, Err(ManifestError::Twice { first: 0, second: 2 })));
        let m = manifest(vec![document(1)]).unwrap();
        assert!(m.check_batch(&m.datanet, &m.contributor).is_ok());
        let other = m.check_batch(&m.datanet, &m.datanet);
        assert!(matches!(other, Err(ManifestError::Other { what: "contributor", .. })));
    }

    #[test]
    fn unknown_fields_and_versions_are_refused() {
        let mut json = serde_json::to_value(manifest(vec![document(1)]).unwrap()).unwrap();
        json["version"] = 2.into();
        assert!(matches!(Manifest::from_bytes(json.to_string().as_bytes()), Err(ManifestError::Version(2))));
        json["version"] = 1.into();
        json["note"] = "hidden".into();
        assert!(matches!(Manifest::from_bytes(json.to_string().as_bytes()), Err(ManifestError::Json(_))));
    }
}
