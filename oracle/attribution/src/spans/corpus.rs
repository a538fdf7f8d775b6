//! Identifies a list of documents.

use crate::attributor::ExampleId;
use openledger_lm::Digest;
use sha2::{Digest as _, Sha256};

/// SHA-256 of a vocabulary's size and of documents in order. It shows whether an index belongs to these documents.
#[derive(Clone)]
pub struct CorpusHasher(Sha256);

impl CorpusHasher {
    /// A hasher without documents yet, for tokens below `vocab`.
    pub fn new(vocab: u32) -> Self {
        Self(Sha256::new_with_prefix(vocab.to_le_bytes()))
    }

    /// Adds a document.
    pub fn add(&mut self, leaf: ExampleId, tokens: &[u32]) {
        self.0.update(leaf);
        self.0.update((tokens.len() as u64).to_le_bytes());
        for token in tokens {
            self.0.update(token.to_le_bytes());
        }
    }

    /// The hash.
    pub fn finish(self) -> Digest {
        self.0.finalize().into()
    }
}
