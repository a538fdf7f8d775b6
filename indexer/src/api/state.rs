//! What answers are made from.

use super::cache::Cache;
use crate::{datasource::Source, db::Database, metrics::Metrics};
use openledger_protocol::rewards::RewardTree;
use openledger_sdk::{client::Client, manifest::Manifest, store::Store};
use solana_pubkey::Pubkey;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::{OnceCell, watch};

/// The reward trees of a settlement: first the contributors' pool, then the validators' pool.
pub type Trees = [RewardTree; 2];

/// A manifest, or when it could not be read.
pub type Loaded = Result<Manifest, Instant>;

/// Most bytes of manifests kept in memory.
const MANIFESTS: usize = 64 << 20;
/// Most settlements whose trees are kept in memory.
const TREES: usize = 2;

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
    pub(super) mint: Arc<OnceCell<Pubkey>>,
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
            mint: Arc::default(),
        }
    }
}
