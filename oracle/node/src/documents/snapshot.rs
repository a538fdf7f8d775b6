//! The documents of Datanet snapshots. They are the same at every operator.

use crate::ledger::{AcceptedBatch, Ledger};
use anyhow::{Context, Result, ensure};
use model::state::Snapshot;
use openledger_protocol::{Hash32, batch::BatchLeaf, mmr};
use openledger_sdk::{
    manifest::{Kind, Manifest},
    store::Store,
};
use solana_pubkey::Pubkey;
use std::collections::{BTreeMap, BTreeSet};

/// A document of an accepted batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its leaf.
    pub leaf: Hash32,
    /// Its Datanet.
    pub datanet: Pubkey,
    /// Its contributor.
    pub owner: Pubkey,
    /// Validators that approved its batch, in ascending order.
    pub approved_by: Vec<Pubkey>,
    /// Its title.
    pub title: String,
    /// Its text.
    pub text: String,
    /// When its content was registered.
    pub registered: Registered,
}

/// When a content was registered. Two of these are compared field by field, from first to last.
///
/// Handing a batch in for review fixes its content and shows it to others. The order follows the handing in, so opening
/// a batch early gives no advantage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Registered {
    /// Last slot in which validators could commit to a verdict. The time between the handing in of a batch and this
    /// slot is always the same.
    pub commit_until: u64,
    /// The Datanet.
    pub datanet: Pubkey,
    /// Number of the batch in it.
    pub batch: u64,
    /// Place in the batch.
    pub place: u64,
}

/// Every usable document of the snapshots, in the order of snapshot, batch and leaf.
///
/// The ledger names the batches, who approved each, and when it was handed in. The manifests are checked against each
/// snapshot's root, which the program computed. Documents whose removal was accepted are left out, and so is what is not
/// UTF-8 text: one bad document stops that document alone.
///
/// Fails if the batches do not lead to the root on chain, or if a blob is missing.
pub async fn documents(ledger: &Ledger, store: &Store, snapshots: &[Snapshot]) -> Result<Vec<Document>> {
    let mut out = Vec::new();
    for snapshot in snapshots {
        out.extend(datanet_documents(ledger, store, snapshot).await?);
    }
    Ok(out)
}

async fn datanet_documents(ledger: &Ledger, store: &Store, snapshot: &Snapshot) -> Result<Vec<Document>> {
    let datanet = snapshot.datanet;
    let (mut leaves, mut contents) = (Vec::new(), Contents::default());
    for batch in ledger.accepted_batches(&datanet, snapshot.batches).await? {
        let AcceptedBatch { address, index, contributor, manifest, approved_by, commit_until, .. } = batch;
        let bytes = store.get_blob(&manifest).await.with_context(|| format!("the manifest of batch {address}"))?;
        let manifest = Manifest::from_bytes(&bytes).with_context(|| format!("the manifest of batch {address}"))?;
        ensure!(
            manifest.datanet == datanet && manifest.contributor == contributor,
            "the manifest of batch {address} is of another Datanet or contributor"
        );
        let hashes = manifest.leaf_hashes();
        let leaf = BatchLeaf {
            datanet: datanet.to_bytes(),
            index,
            contributor: contributor.to_bytes(),
            root: mmr::root_of(&hashes),
            count: hashes.len() as u64,
        };
        leaves.push(leaf.hash());
        contents.add(&manifest, &approved_by, Registered { commit_until, datanet, batch: index, place: 0 });
    }
    ensure!(
        leaves.len() as u64 == snapshot.batches && mmr::root_of(&leaves) == snapshot.root,
        "the manifests of the {} batches of Datanet {datanet} do not lead to the root {} on chain",
        leaves.len(),
        hex::encode(snapshot.root)
    );
    let mut out = Vec::new();
    for Found { leaf, content, owner, approved_by, title, registered } in contents.in_use() {
        let bytes = store.get_blob(&content).await.with_context(|| format!("document {}", hex::encode(leaf)))?;
        match String::from_utf8(bytes.to_vec()) {
            Ok(text) => out.push(Document { leaf, datanet, owner, approved_by, title, text, registered }),
            Err(_) => tracing::warn!(leaf = hex::encode(leaf), %datanet, "left out: the document is not UTF-8 text"),
        }
    }
    Ok(out)
}

/// A document of a manifest, before its text is fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Found {
    leaf: Hash32,
    content: Hash32,
    owner: Pubkey,
    approved_by: Vec<Pubkey>,
    title: String,
    registered: Registered,
}

/// The contents of a Datanet's accepted batches. The validators have checked that whoever removes a document may do so.
#[derive(Default)]
struct Contents {
    documents: Vec<Found>,
    removed: BTreeSet<Hash32>,
    corrected: BTreeMap<Hash32, (Hash32, Registered)>,
}

impl Contents {
    /// Adds a batch. Batches come in the order of acceptance. `first` is where the batch's first leaf is registered.
    fn add(&mut self, manifest: &Manifest, approved_by: &[Pubkey], first: Registered) {
        for ((leaf, entry), place) in manifest.leaf_hashes().into_iter().zip(&manifest.leaves).zip(first.place..) {
            let registered = Registered { place, ..first };
            match (entry.kind, entry.target) {
                (Kind::Document, _) => self.documents.push(Found {
                    leaf,
                    content: entry.content,
                    owner: manifest.contributor,
                    approved_by: approved_by.to_vec(),
                    title: entry.metadata.title.clone(),
                    registered,
                }),
                (Kind::Removal, Some(target)) => drop(self.removed.insert(target)),
                (Kind::Correction, Some(target)) => drop(self.corrected.insert(target, (entry.content, registered))),
                (Kind::Label, _) | (_, None) => {}
            }
        }
    }

    /// The documents that were not removed, each with its last correction. A corrected document counts as registered
    /// when its correction was.
    fn in_use(self) -> impl Iterator<Item = Found> {
        let Self { documents, removed, corrected } = self;
        documents.into_iter().filter(move |d| !removed.contains(&d.leaf)).map(move |d| match corrected.get(&d.leaf) {
            Some((content, registered)) => Found { content: *content, registered: *registered, ..d },
            None => d,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openledger_sdk::manifest::{Leaf, Metadata};

    #[test]
    fn a_removed_document_is_not_used_again_and_a_corrected_one_as_corrected() {
        let (alice, bob) = (Pubkey::new_from_array([1; 32]), Pubkey::new_from_array([2; 32]));
        let leaf =
            |kind, content: u8, target| Leaf { content: [content; 32], kind, target, metadata: Metadata::default() };
        let manifest = |who, leaves| Manifest::new(Pubkey::default(), who, leaves).unwrap();
        let at = |batch| Registered { commit_until: 10 * batch, datanet: Pubkey::default(), batch, place: 0 };
        let documents = manifest(alice, (1..=3).map(|n| leaf(Kind::Document, n, None)).collect());
        let [kept, fixed, gone]: [Hash32; 3] = documents.leaf_hashes().try_into().unwrap();
        let about = vec![
            leaf(Kind::Label, 7, Some(kept)),
            leaf(Kind::Correction, 8, Some(fixed)),
            leaf(Kind::Removal, 9, Some(gone)),
        ];
        let mut contents = Contents::default();
        contents.add(&documents, &[bob], at(1));
        let before: Vec<_> =
            Contents { documents: contents.documents.clone(), ..Default::default() }.in_use().collect();
        assert_eq!(before.iter().map(|d| d.leaf).collect::<Vec<_>>(), [kept, fixed, gone], "an earlier snapshot's");
        contents.add(&manifest(alice, about), &[bob], at(2));
        let after: Vec<_> = contents.in_use().map(|d| (d.leaf, d.content[0], d.owner, d.registered)).collect();
        let corrected = Registered { place: 1, ..at(2) };
        assert_eq!(after, [(kept, 1, alice, at(1)), (fixed, 8, alice, corrected)]);
    }
}
