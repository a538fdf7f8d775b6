//! An accepted batch of contributions as a leaf of its Datanet's mountain range.

use crate::hash::{Domain, Hash32, sha256};

/// The preimage of a batch's leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLeaf {
    /// Address of the Datanet account.
    pub datanet: Hash32,
    /// Number of the batch in its Datanet, from 0, in the order of opening.
    pub index: u64,
    /// The contributor's wallet.
    pub contributor: Hash32,
    /// Root of the range over the batch's contributions.
    pub root: Hash32,
    /// Number of contributions in the batch.
    pub count: u64,
}

impl BatchLeaf {
    /// `SHA-256(0x02 ‖ datanet ‖ index ‖ contributor ‖ root ‖ count)`, integers little-endian.
    pub fn hash(&self) -> Hash32 {
        sha256(&[
            &[Domain::Batch as u8],
            &self.datanet,
            &self.index.to_le_bytes(),
            &self.contributor,
            &self.root,
            &self.count.to_le_bytes(),
        ])
    }
}
