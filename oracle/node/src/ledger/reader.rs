//! Everything that is derived from one node, and what was read from it before.

use super::{
    batches::{AcceptedBatch, Batches},
    error::LedgerError,
    node::Node,
    results::{JobResult, Results},
    shards::{PaidIn, Shards},
};
use openledger_sdk::client::Client;
use solana_pubkey::Pubkey;
use std::sync::Arc;
use tokio::sync::Mutex;

/// Reads the ledger from one node. Cheap to clone: all clones share what was read.
#[derive(Clone)]
pub struct Reader {
    node: Node,
    shards: Arc<Mutex<Shards>>,
    results: Arc<Mutex<Results>>,
    batches: Arc<Mutex<Batches>>,
}

impl Reader {
    /// Reads from `client`, which must be at commitment `finalized`.
    pub fn new(client: Client) -> Self {
        Self { node: Node::new(client), shards: Arc::default(), results: Arc::default(), batches: Arc::default() }
    }

    /// The node.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// The node's newest finalized slot.
    pub async fn slot(&self) -> Result<u64, LedgerError> {
        self.node.slot().await
    }

    /// What was paid in after slot `after` and up to slot `until`.
    pub async fn paid_in(&self, after: u64, until: u64) -> Result<PaidIn, LedgerError> {
        self.shards.lock().await.between(&self.node, after, until).await
    }

    /// The results of a model up to slot `until`.
    pub async fn job_results(&self, model: &Pubkey, until: u64) -> Result<Vec<JobResult>, LedgerError> {
        self.results.lock().await.of(&self.node, model, until).await
    }

    /// The first `count` accepted batches of a Datanet.
    pub async fn accepted_batches(&self, datanet: &Pubkey, count: u64) -> Result<Vec<AcceptedBatch>, LedgerError> {
        self.batches.lock().await.first(&self.node, datanet, count).await
    }
}
