//! What answers are made from.

use super::cache::Cache;
use crate::{datasource::Source, db::Database, metrics::Metrics};
use openledger_protocol::rewards::RewardTree;
use openledger_sdk::{client::Client, manifest::Manifest, proof::AcceptedRange, store::Store};
use solana_pubkey::Pubkey;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::{Mutex, OnceCell, Semaphore, watch},
    time::timeout,
};

/// The reward trees of a settlement: first the contributors' pool, then the validators' pool.
pub type Trees = [RewardTree; 2];

/// A manifest, or when it could not be read.
pub type Loaded = Result<Manifest, Instant>;

/// The range of what a Datanet has accepted, and what it was read from.
pub struct Accepted {
    pub(super) range: AcceptedRange,
    pub(super) mark: Mark,
}

/// What changes with every acceptance and every roll-back: the feed's name, how many transactions the cluster ever dropped,
/// and how many batches of the Datanet are accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub(super) feed: String,
    pub(super) dropped: i64,
    pub(super) accepted: i64,
}

/// Most bytes of manifests kept in memory.
const MANIFESTS: usize = 64 << 20;
/// Most bytes of ranges of accepted batches kept in memory.
const ACCEPTED: usize = 64 << 20;
/// Most settlements whose trees are kept in memory.
const TREES: usize = 2;

/// Live feeds at a time. Each reads what is new by itself.
const FEEDS: usize = 512;
/// Questions to the node at a time.
const ASKING: usize = 16;
/// How long the node's slot is taken for the newest: about a slot's time.
const SLOT_KEPT: Duration = Duration::from_millis(400);

/// How long an answer waits for the node.
pub(super) const NODE_WITHIN: Duration = Duration::from_millis(1_500);

/// Everything that a request handler needs.
#[derive(Clone)]
pub struct State {
    pub(super) db: Database,
    pub(super) client: Arc<Client>,
    pub(super) metrics: Metrics,
    pub(super) news: Arc<watch::Sender<()>>,
    pub(super) store: Option<Store>,
    pub(super) manifests: Arc<Cache<Loaded>>,
    pub(super) trees: Arc<Cache<Trees>>,
    pub(super) accepted: Arc<Cache<Accepted>>,
    /// Held by the request that reads such a range.
    pub(super) reading: Arc<Mutex<()>>,
    pub(super) mint: Arc<OnceCell<Pubkey>>,
    /// Live feeds that may be open at a time.
    pub(super) feeds: Arc<Semaphore>,
    /// Questions to the node that may run at a time.
    pub(super) asking: Arc<Semaphore>,
    /// The node's slot, and when it said so.
    pub(super) slot: Arc<Mutex<Option<(Instant, u64)>>>,
}

impl State {
    /// Makes the state from the index as `reader` reads it, the node of `source`, and the artifacts in `store`.
    pub fn new(source: &Source, reader: Database, store: Option<Store>) -> Self {
        Self {
            db: reader,
            client: source.client.clone(),
            metrics: source.metrics.clone(),
            news: source.news.clone(),
            store,
            manifests: Arc::new(Cache::new(MANIFESTS)),
            trees: Arc::new(Cache::new(TREES)),
            accepted: Arc::new(Cache::new(ACCEPTED)),
            reading: Arc::default(),
            mint: Arc::default(),
            feeds: Arc::new(Semaphore::new(FEEDS)),
            asking: Arc::new(Semaphore::new(ASKING)),
            slot: Arc::default(),
        }
    }

    /// The node's slot. Those who ask within [`SLOT_KEPT`] get the same answer. 0 if the node does not say it.
    pub(super) async fn chain_slot(&self) -> u64 {
        let ask = async {
            let mut slot = self.slot.lock().await;
            if let Some((at, slot)) = *slot
                && at.elapsed() < SLOT_KEPT
            {
                return slot;
            }
            let said = self.client.slot().await.unwrap_or(0);
            *slot = Some((Instant::now(), said));
            said
        };
        timeout(NODE_WITHIN, ask).await.unwrap_or(0)
    }
}
