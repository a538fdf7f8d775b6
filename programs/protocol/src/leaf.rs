//! A contribution and its leaf hash.

use crate::hash::{Domain, Hash32, sha256};

/// The kind of a contribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum LeafKind {
    /// A document, named by its content hash.
    Document = 0,
    /// A label for the document `target`.
    Label = 1,
    /// Content that replaces that of `target`.
    Correction = 2,
    /// A request that `target` no longer be used.
    Removal = 3,
}

impl LeafKind {
    /// The kind with this number, if there is one.
    pub fn from_u8(n: u8) -> Option<Self> {
        Some(match n {
            0 => Self::Document,
            1 => Self::Label,
            2 => Self::Correction,
            3 => Self::Removal,
            _ => return None,
        })
    }

    /// Whether a leaf of this kind must name a target leaf.
    pub fn needs_target(self) -> bool {
        self != Self::Document
    }
}

/// The preimage of a contribution's leaf hash. The ledger holds only the hash; the batch's manifest holds the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contribution {
    /// Address of the Datanet account.
    pub datanet: Hash32,
    /// The contributor's wallet.
    pub contributor: Hash32,
    /// SHA-256 of the content's bytes.
    pub content: Hash32,
    /// The kind of the contribution.
    pub kind: LeafKind,
    /// The leaf that a label, correction or removal refers to; zero for a document.
    pub target: Hash32,
    /// SHA-256 of the canonical JSON of the metadata (title, author, licence, source).
    pub metadata: Hash32,
}

impl Contribution {
    /// The leaf hash: `SHA-256(0x00 ‖ datanet ‖ contributor ‖ content ‖ kind ‖ target ‖ metadata)`.
    pub fn hash(&self) -> Hash32 {
        sha256(&[
            &[Domain::Contribution as u8],
            &self.datanet,
            &self.contributor,
            &self.content,
            &[self.kind as u8],
            &self.target,
            &self.metadata,
        ])
    }
}
