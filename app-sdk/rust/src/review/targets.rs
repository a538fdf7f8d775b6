//! Checks of the targets of labels, corrections and removals. A target must be an accepted document that was not
//! removed, and only some wallets may remove it.

use super::Fault;
use crate::manifest::{Kind, Leaf, Manifest};
use openledger_protocol::Hash32;
use solana_pubkey::Pubkey;
use std::collections::{HashMap, HashSet};

/// The documents of a Datanet's accepted batches, by leaf hash.
#[derive(Clone, Debug, Default)]
pub struct Accepted {
    documents: HashMap<Hash32, Document>,
    removed: HashSet<Hash32>,
}

#[derive(Clone, Debug)]
struct Document {
    contributor: Pubkey,
    /// Hash of its present content: its own, or that of its last correction.
    content: Hash32,
}

impl Accepted {
    /// Adds an accepted batch. The caller must add batches in the order of their acceptance.
    pub fn add(&mut self, manifest: &Manifest) {
        for (hash, leaf) in manifest.leaf_hashes().into_iter().zip(&manifest.leaves) {
            match (leaf.kind, leaf.target) {
                (Kind::Document, _) => {
                    let document = Document { contributor: manifest.contributor, content: leaf.content };
                    self.documents.entry(hash).or_insert(document);
                }
                (Kind::Correction, Some(target)) => {
                    if let Some(document) = self.documents.get_mut(&target) {
                        document.content = leaf.content;
                    }
                }
                (Kind::Removal, Some(target)) => drop(self.removed.insert(target)),
                (Kind::Label, _) | (_, None) => {}
            }
        }
    }

    /// Returns the present content hash of the document that `leaf` by `contributor` is about, or `None` if `leaf` is
    /// itself a document.
    ///
    /// Fails with [`Fault::NoTarget`] if the target is not an accepted document, with [`Fault::Removed`] if it was
    /// removed, and with [`Fault::NotTheirs`] for a removal by anyone but the document's contributor and the Datanet's
    /// `owner`.
    pub fn about(&self, leaf: &Leaf, contributor: &Pubkey, owner: &Pubkey) -> Result<Option<Hash32>, Fault> {
        let Some(target) = leaf.target else { return Ok(None) };
        let document = self.documents.get(&target).ok_or(Fault::NoTarget { target })?;
        if self.removed.contains(&target) {
            return Err(Fault::Removed { target });
        }
        if leaf.kind == Kind::Removal && *contributor != document.contributor && contributor != owner {
            return Err(Fault::NotTheirs { target, of: document.contributor });
        }
        Ok(Some(document.content))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Metadata;

    const ALICE: Pubkey = Pubkey::new_from_array([1; 32]);
    const BOB: Pubkey = Pubkey::new_from_array([2; 32]);
    const OWNER: Pubkey = Pubkey::new_from_array([3; 32]);

    fn leaf(kind: Kind, content: u8, target: Option<Hash32>) -> Leaf {
        Leaf { content: [content; 32], kind, target, metadata: Metadata::default() }
    }

    fn batch(contributor: Pubkey, leaves: Vec<Leaf>) -> Manifest {
        Manifest::new(Pubkey::new_from_array([9; 32]), contributor, leaves).unwrap()
    }

    #[test]
    fn a_target_is_an_accepted_document_of_this_datanet() {
        let first = batch(ALICE, vec![leaf(Kind::Document, 1, None)]);
        let document = first.leaf_hashes()[0];
        let label = leaf(Kind::Label, 7, Some(document));
        let mut accepted = Accepted::default();
        assert_eq!(accepted.about(&label, &BOB, &OWNER), Err(Fault::NoTarget { target: document }), "not yet");
        accepted.add(&first);
        assert_eq!(accepted.about(&label, &BOB, &OWNER), Ok(Some([1; 32])));
        let marked = batch(BOB, vec![label]);
        accepted.add(&marked);
        // A label is not a document, so no leaf can be about it.
        let nested = leaf(Kind::Label, 8, Some(marked.leaf_hashes()[0]));
        assert!(matches!(accepted.about(&nested, &BOB, &OWNER), Err(Fault::NoTarget { .. })));
        assert_eq!(accepted.about(&leaf(Kind::Document, 2, None), &BOB, &OWNER), Ok(None));
    }

    #[test]
    fn a_correction_changes_what_later_ones_are_about() {
        let first = batch(ALICE, vec![leaf(Kind::Document, 1, None)]);
        let target = Some(first.leaf_hashes()[0]);
        let mut accepted = Accepted::default();
        accepted.add(&first);
        accepted.add(&batch(BOB, vec![leaf(Kind::Correction, 4, target)]));
        assert_eq!(accepted.about(&leaf(Kind::Correction, 5, target), &ALICE, &OWNER), Ok(Some([4; 32])));
    }

    #[test]
    fn only_its_contributor_and_the_owner_remove_a_document_and_once() {
        let first = batch(ALICE, vec![leaf(Kind::Document, 1, None)]);
        let target = first.leaf_hashes()[0];
        let removal = leaf(Kind::Removal, 6, Some(target));
        let mut accepted = Accepted::default();
        accepted.add(&first);
        assert_eq!(accepted.about(&removal, &BOB, &OWNER), Err(Fault::NotTheirs { target, of: ALICE }));
        assert!(accepted.about(&removal, &ALICE, &OWNER).is_ok() && accepted.about(&removal, &OWNER, &OWNER).is_ok());
        accepted.add(&batch(ALICE, vec![removal.clone()]));
        assert_eq!(accepted.about(&removal, &ALICE, &OWNER), Err(Fault::Removed { target }));
    }
}
