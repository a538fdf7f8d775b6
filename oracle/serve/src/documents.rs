//! What is known of the documents that a model was trained on.

use crate::source::Source;
use anyhow::{Context, Result};
use model::state::Model;
use openledger_protocol::Hash32;
use openledger_sdk::{
    api::{
        IndexerClient,
        types::{Batch, Contribution, ContributionDetail},
    },
    manifest::Manifest,
    store::Store,
    text::parse_hash,
};
use std::collections::{BTreeMap, HashMap};

/// Finds documents. It reads each manifest once.
pub struct Documents<'a> {
    indexer: &'a IndexerClient,
    store: &'a Store,
    /// By the addresses of their batches. `None` if the store does not give it.
    manifests: HashMap<String, Option<Manifest>>,
}

impl<'a> Documents<'a> {
    /// Finds documents that the indexer lists and the store holds.
    pub fn new(indexer: &'a IndexerClient, store: &'a Store) -> Self {
        Self { indexer, store, manifests: HashMap::new() }
    }

    /// Contributions of the batches that the model's snapshots cover, by leaf.
    pub async fn of_model(&mut self, state: &Model) -> Result<BTreeMap<String, Contribution>> {
        let mut by_leaf = BTreeMap::new();
        for snapshot in &state.snapshots {
            let mut batches = self.indexer.accepted_batches(&snapshot.datanet).await?;
            batches.sort_by_key(|b| b.place);
            batches.truncate(snapshot.batches as usize);
            let covered: HashMap<String, Batch> = batches.into_iter().map(|b| (b.address.clone(), b)).collect();
            for mut contribution in self.indexer.contributions(&snapshot.datanet).await? {
                let Some(batch) = covered.get(&contribution.batch) else { continue };
                if contribution.detail.is_none() {
                    self.read(batch).await;
                    contribution.detail = self.detail(&contribution);
                }
                by_leaf.insert(contribution.leaf.clone(), contribution);
            }
        }
        Ok(by_leaf)
    }

    /// A training document. A parent's snapshots may have other Datanets than the model's, so the indexer is asked for a
    /// document that is not among the `known` ones.
    pub async fn source(&mut self, leaf: &Hash32, known: &BTreeMap<String, Contribution>) -> Result<Source> {
        let name = hex::encode(leaf);
        if let Some(contribution) = known.get(&name) {
            return Source::of(contribution);
        }
        let found = self.indexer.contribution(leaf).await?;
        let found = found.with_context(|| format!("the indexer does not know training document {name}"))?;
        let mut contribution = found.contribution;
        if contribution.detail.is_none() {
            if !self.manifests.contains_key(&contribution.batch) {
                let batch = contribution.batch.parse().context("a batch's address")?;
                let batch =
                    self.indexer.batch(&batch).await?.context("the indexer does not know a document's batch")?;
                self.read(&batch).await;
            }
            contribution.detail = self.detail(&contribution);
        }
        Source::of(&contribution)
    }

    /// Reads the manifest of a batch. The indexer shows nobody what is in a permissioned Datanet. The store shows it to its
    /// committee.
    async fn read(&mut self, batch: &Batch) {
        if !self.manifests.contains_key(&batch.address) {
            let manifest = self.manifest(batch).await;
            self.manifests.insert(batch.address.clone(), manifest);
        }
    }

    /// What the manifest of its batch says of a contribution, if it was read.
    fn detail(&self, of: &Contribution) -> Option<ContributionDetail> {
        let manifest = self.manifests.get(&of.batch)?.as_ref()?;
        manifest.leaves.get(usize::try_from(of.place).ok()?).map(ContributionDetail::of)
    }

    /// The manifest of a batch, if the store gives it and its leaves give the batch's root.
    async fn manifest(&self, batch: &Batch) -> Option<Manifest> {
        let hash = parse_hash(batch.manifest.as_ref()?).ok()?;
        let manifest = Manifest::from_bytes(&self.store.get_blob(&hash).await.ok()?).ok()?;
        (batch.root.as_ref() == Some(&hex::encode(manifest.root()))).then_some(manifest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openledger_sdk::{
        api::types::ContributionWithProof,
        flow::contribute::{Contribution as Given, manifest},
        manifest::Metadata,
    };
    use solana_pubkey::Pubkey;
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };
    use warp::Filter;

    fn key(n: u8) -> Pubkey {
        Pubkey::new_from_array([n; 32])
    }

    /// An indexer of one batch of a permissioned Datanet, of which it shows nothing. Counts how often the batch is asked for.
    async fn indexer(of: &Manifest, looks: Arc<AtomicUsize>) -> IndexerClient {
        let batch = Batch {
            address: key(5).to_string(),
            datanet: key(1).to_string(),
            index: 3,
            contributor: key(2).to_string(),
            status: "accepted".into(),
            count: of.leaves.len() as u64,
            bond: 1.into(),
            root: Some(hex::encode(of.root())),
            manifest: Some(hex::encode(of.hash().unwrap())),
            leaves: "ledger".into(),
            leaves_error: None,
            commit_until: None,
            reveal_until: None,
            place: Some(0),
            quality: None,
            reviews: vec![],
            opened_slot: 1,
            decided_slot: Some(2),
        };
        let leaves: Vec<String> = of.leaf_hashes().iter().map(hex::encode).collect();
        let contribution = warp::path!("v1" / "contributions" / String).map(move |leaf: String| {
            let place = leaves.iter().position(|l| *l == leaf).unwrap();
            warp::reply::json(&ContributionWithProof {
                contribution: Contribution {
                    leaf,
                    datanet: key(1).to_string(),
                    batch: key(5).to_string(),
                    batch_index: 3,
                    place: place as u64,
                    contributor: key(2).to_string(),
                    status: "accepted".into(),
                    detail: None,
                    slot: 1,
                    signature: String::new(),
                },
                proof: None,
            })
        });
        let batches = warp::path!("v1" / "batches" / String).map(move |_| {
            looks.fetch_add(1, Ordering::Relaxed);
            warp::reply::json(&batch)
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(warp::serve(contribution.or(batches)).incoming(listener).run());
        IndexerClient::new(url)
    }

    #[tokio::test]
    async fn an_inherited_document_of_a_permissioned_datanet_has_its_title_from_the_manifest() {
        let given = ["first", "second"].map(|title| {
            Given::document(format!("the text of {title}"), Metadata { title: title.into(), ..Default::default() })
        });
        let of = manifest(&key(2), &key(1), &given).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let store = Store::folder(folder.path()).unwrap();
        let looks = Arc::new(AtomicUsize::new(0));
        let indexer = indexer(&of, looks.clone()).await;
        let titles = async || {
            let mut documents = Documents::new(&indexer, &store);
            let mut titles = Vec::new();
            for leaf in of.leaf_hashes() {
                titles.push(documents.source(&leaf, &BTreeMap::new()).await.unwrap().title);
            }
            titles
        };
        assert_eq!(titles().await, ["", ""], "the store does not give the manifest");
        store.put_blob(of.to_bytes().unwrap()).await.unwrap();
        assert_eq!(titles().await, ["first", "second"]);
        assert_eq!(looks.load(Ordering::Relaxed), 2, "once for all documents of a batch");
    }
}
