//! Tests of batches in bulk, of which the ledger has only the root: their leaves come from the manifest.

mod support;

use anchor_lang::prelude::Pubkey;
use openledger_indexer::{
    bulk,
    ingest::{TransactionRecord, ingest, roll_back},
};
use openledger_interface::{events::Event, pda};
use openledger_protocol::{batch::BatchLeaf, mmr};
use openledger_sdk::{
    manifest::{Kind, Leaf, Manifest, Metadata},
    store::Store,
};
use serde_json::Value;
use std::ops::Range;
use support::{api::Api, created, hash, key, world};

/// Two whole blocks of leaves, and some.
const COUNT: u16 = 2_085;

fn content(n: u16) -> [u8; 32] {
    openledger_protocol::hash::sha256(&[&n.to_le_bytes()])
}

/// A Datanet whose batches came in bulk.
struct Town {
    api: Api,
    store: Store,
    datanet: Pubkey,
    accepted: Vec<[u8; 32]>,
    events: u64,
    records: u8,
}

/// A batch with the transaction that handed it in.
struct Batch {
    address: Pubkey,
    submitted: TransactionRecord,
}

impl Town {
    async fn start() -> Self {
        let api = Api::start(&world()).await;
        let store = Store::folder(api.store.path()).expect("a store");
        let datanet = pda::datanet(&key(120), 1);
        let mut town = Self { api, store, datanet, accepted: vec![], events: 1, records: 0 };
        town.happens(Event::DatanetCreated(created(key(120), 1, "Import"))).await;
        town
    }

    async fn happens(&mut self, event: Event) -> TransactionRecord {
        self.records += 1;
        let mut signature = [self.records; 64];
        signature[0] = 254;
        let record = TransactionRecord {
            signature: bs58::encode(signature).into_string(),
            slot: 2_000 + u64::from(self.records),
            place: None,
            block_time: None,
            failed: false,
            events: vec![event],
            unread: vec![],
        };
        ingest(&self.api.source.db, &record).await.expect("ingests");
        record
    }

    fn manifest(&self, from: u16) -> Manifest {
        self.manifest_of(from..from + COUNT, "An author")
    }

    fn manifest_of(&self, leaves: Range<u16>, author: &str) -> Manifest {
        let leaves = leaves.map(|n| Leaf {
            content: content(n),
            kind: Kind::Document,
            target: None,
            metadata: Metadata {
                title: format!("Row {n}\0"),
                author: author.into(),
                licence: author.into(),
                source: author.into(),
                ..Default::default()
            },
        });
        Manifest::new(self.datanet, key(121), leaves.collect()).expect("valid")
    }

    /// A batch with this root is handed in, and accepted.
    async fn accepts(&mut self, manifest: &Manifest, root: [u8; 32]) -> Batch {
        let batch = self.submits(manifest, root).await;
        self.accepts_batch(&batch, root, manifest.leaves.len() as u64).await;
        batch
    }

    /// A batch with this root is handed in.
    async fn submits(&mut self, manifest: &Manifest, root: [u8; 32]) -> Batch {
        let (datanet, contributor, index) = (self.datanet, key(121), self.accepted.len() as u64);
        let (batch, count) = (pda::batch(&datanet, index), manifest.leaves.len() as u64);
        let opened =
            datanet::events::BatchOpened { datanet, sequence: self.events, batch, index, contributor, bond: 5 };
        self.happens(Event::BatchOpened(opened)).await;
        let submitted = datanet::events::BatchSubmitted {
            batch,
            sequence: 0,
            root,
            count,
            manifest: manifest.hash().expect("canonical"),
            bulk: true,
            commit_until: 500,
            reveal_until: 600,
        };
        let submitted = self.happens(Event::BatchSubmitted(submitted)).await;
        self.events += 1;
        Batch { address: batch, submitted }
    }

    /// The batch that was handed in last is accepted.
    async fn accepts_batch(&mut self, batch: &Batch, root: [u8; 32], count: u64) -> TransactionRecord {
        let (datanet, contributor, index) = (self.datanet, key(121), self.accepted.len() as u64);
        let leaf = BatchLeaf { datanet: datanet.to_bytes(), index, contributor: contributor.to_bytes(), root, count };
        self.accepted.push(leaf.hash());
        let accepted = self.happens(Event::BatchAccepted(datanet::events::BatchAccepted {
            datanet,
            sequence: self.events,
            batch: batch.address,
            index,
            place: index,
            contributor,
            root,
            count,
            approved_by: vec![key(122)],
            quality: 9000,
            datanet_root: mmr::root_of(&self.accepted),
        }));
        let accepted = accepted.await;
        self.events += 1;
        accepted
    }

    async fn gives(&self, manifest: &Manifest) {
        self.store.put_blob(manifest.to_bytes().expect("canonical")).await.expect("stored");
    }

    async fn reads(&self) -> usize {
        bulk::read_due(&self.api.source.db, &self.store).await.expect("the database answers")
    }

    /// Where the leaves of a batch are, and why they cannot be read.
    async fn leaves(&self, batch: &Batch) -> (String, Option<String>) {
        let found = self.api.client.batch(&batch.address).await.expect("answers").expect("is there");
        (found.leaves, found.leaves_error)
    }

    /// All contributions, newest first.
    async fn listed(&self) -> Vec<Value> {
        let (mut all, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/v1/datanets/{}/contributions?limit=500{cursor}", self.datanet);
            let (_, page) = self.api.get(&path).await;
            all.extend(page["items"].as_array().expect("a list").iter().cloned());
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return all,
            }
        }
    }

    async fn waits_no_longer(&self) {
        self.api.source.db.execute("UPDATE bulk SET next_try = now()", &[]).await.expect("writes");
    }
}

#[tokio::test]
async fn contributions_in_bulk_are_listed_and_proven_once_their_manifest_is_there() {
    let mut town = Town::start().await;
    let manifest = town.manifest(0);
    let batch = town.accepts(&manifest, manifest.root()).await;
    assert_eq!(town.leaves(&batch).await, ("waiting".to_owned(), None));
    assert_eq!(town.reads().await, 1);
    let (word, why) = town.leaves(&batch).await;
    assert!(word == "absent" && why.as_ref().is_some_and(|why| why.contains("does not have its manifest")), "{why:?}");
    let (_, absent) = town.api.get("/v1/batches?leaves=absent").await;
    assert_eq!(absent["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(town.api.get("/v1/status").await.1["unread_batches"], 1);
    assert!(town.listed().await.is_empty());
    assert_eq!(town.reads().await, 0, "what was absent just now is not asked for at once again");

    town.gives(&manifest).await;
    town.waits_no_longer().await;
    assert_eq!(town.reads().await, 1);
    assert_eq!(town.leaves(&batch).await, ("manifest".to_owned(), None));
    assert_eq!(town.api.get("/v1/status").await.1["unread_batches"], 0);
    // The answers need the manifest no longer.
    let blob = town.api.store.path().join("blobs").join(hex::encode(manifest.hash().expect("canonical")));
    std::fs::remove_file(blob).expect("was there");
    let listed = town.listed().await;
    assert_eq!(listed.len(), usize::from(COUNT));
    assert_eq!(listed[0]["detail"]["title"], format!("Row {}⟨U+0000⟩", COUNT - 1), "what a terminal may show");
    let root = mmr::root_of(&town.accepted);
    // Of each block one, and all behind the last.
    let hashes = manifest.leaf_hashes();
    for (place, leaf) in hashes.iter().enumerate().filter(|(place, _)| place % 700 == 0 || *place >= 2_047) {
        let found = town.api.client.contribution(leaf).await.expect("answers").expect("is there");
        assert_eq!((found.contribution.place, found.contribution.batch), (place as u64, batch.address.to_string()));
        let proof = found.proof.expect("accepted");
        proof.verify_against(&town.datanet, &root).expect("holds");
        assert_eq!(proof.preimage.map(|p| p.content), Some(content(place as u16)));
    }
}

#[tokio::test]
async fn leaves_in_bulk_are_read_for_no_batch_that_is_not_accepted() {
    let mut town = Town::start().await;
    let manifest = town.manifest(0);
    town.gives(&manifest).await;
    let batch = town.submits(&manifest, manifest.root()).await;
    assert_eq!(town.reads().await, 0);
    assert_eq!(town.leaves(&batch).await, ("waiting".to_owned(), None));
    assert_eq!(town.api.get("/v1/status").await.1["unread_batches"], 0);
    town.accepts_batch(&batch, manifest.root(), manifest.leaves.len() as u64).await;
    assert_eq!(town.reads().await, 1);
    assert_eq!(town.leaves(&batch).await, ("manifest".to_owned(), None));
}

#[tokio::test]
async fn proofs_follow_what_is_accepted_and_what_a_fork_drops_of_it() {
    let mut town = Town::start().await;
    let first = town.manifest_of(0..3, "An author");
    town.gives(&first).await;
    town.accepts(&first, first.root()).await;
    town.reads().await;
    let leaf = first.leaf_hashes()[1];
    let proves = async |town: &Town, root: [u8; 32]| {
        let found = town.api.client.contribution(&leaf).await.expect("answers").expect("is there");
        found.proof.expect("accepted").verify_against(&town.datanet, &root).expect("holds");
    };
    let alone = mmr::root_of(&town.accepted);
    proves(&town, alone).await;
    let second = town.manifest_of(3..6, "An author");
    let batch = town.submits(&second, second.root()).await;
    let record = town.accepts_batch(&batch, second.root(), 3).await;
    proves(&town, mmr::root_of(&town.accepted)).await;
    assert!(roll_back(&town.api.source.db, &record.signature).await.expect("writes"));
    proves(&town, alone).await;
    // It is accepted again, in another slot.
    town.accepted.pop();
    town.events -= 1;
    town.accepts_batch(&batch, second.root(), 3).await;
    proves(&town, mmr::root_of(&town.accepted)).await;
}

#[tokio::test]
async fn a_page_for_which_much_must_be_read_ends_early_and_the_pages_have_every_leaf() {
    let mut town = Town::start().await;
    // Each manifest has three megabytes, and too much about each leaf for the index to keep it.
    let long = "\u{1}".repeat(1024);
    for n in 0..4 {
        let manifest = town.manifest_of(n * 160..(n + 1) * 160, &long);
        town.gives(&manifest).await;
        town.accepts(&manifest, manifest.root()).await;
    }
    while town.reads().await > 0 {}
    let (_, first) = town.api.get(&format!("/v1/datanets/{}/contributions?limit=500", town.datanet)).await;
    assert_eq!(first["items"].as_array().map(Vec::len), Some(480), "three of the four manifests were read");
    let all = town.listed().await;
    assert_eq!(all.len(), 640);
    for (leaf, n) in all.iter().zip((0..640).rev()) {
        assert_eq!(leaf["detail"]["title"], format!("Row {n}⟨U+0000⟩"));
    }
}

#[tokio::test]
async fn a_manifest_that_does_not_make_the_root_is_told_and_stops_no_other() {
    let mut town = Town::start().await;
    let (wrong, right) = (town.manifest(0), town.manifest(COUNT));
    town.gives(&wrong).await;
    town.gives(&right).await;
    // No leaves make this root, though the manifest is the one that the batch names.
    let liar = town.accepts(&wrong, hash(99)).await;
    let honest = town.accepts(&right, right.root()).await;
    assert_eq!(town.reads().await, 2);
    let (word, why) = town.leaves(&liar).await;
    assert!(word == "wrong" && why.as_ref().is_some_and(|why| why.contains(&hex::encode(hash(99)))), "{why:?}");
    assert_eq!(town.leaves(&honest).await, ("manifest".to_owned(), None));
    assert_eq!(town.listed().await.len(), usize::from(COUNT));
    town.waits_no_longer().await;
    assert_eq!(town.reads().await, 1, "it is looked at again");
}

#[tokio::test]
async fn leaves_in_bulk_go_and_come_with_the_transaction_that_handed_them_in() {
    let mut town = Town::start().await;
    let manifest = town.manifest(0);
    town.gives(&manifest).await;
    let batch = town.accepts(&manifest, manifest.root()).await;
    town.reads().await;
    assert_eq!(town.listed().await.len(), usize::from(COUNT));
    assert!(roll_back(&town.api.source.db, &batch.submitted.signature).await.expect("writes"));
    assert!(town.listed().await.is_empty());
    assert_eq!(town.reads().await, 0);
    let again = TransactionRecord { slot: batch.submitted.slot + 1, ..batch.submitted };
    ingest(&town.api.source.db, &again).await.expect("ingests");
    assert_eq!(town.reads().await, 1);
    let listed = town.listed().await;
    assert!(listed.len() == usize::from(COUNT) && listed.iter().all(|leaf| leaf["slot"] == again.slot));
}
