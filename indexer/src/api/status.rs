//! The indexer's status: whether the index is complete, and whether it agrees with the chain.

use super::{error::Refusal, state::State};
use crate::reconcile::{self, Difference, Gap};
use openledger_sdk::api::types;
use serde::{Deserialize, Serialize};

/// `GET /v1/status`: the SDK's [`types::Status`] with further details.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Status {
    /// The fields that the SDK reads.
    #[serde(flatten)]
    pub status: types::Status,
    /// Missing event numbers.
    pub missing: Vec<Gap>,
    /// Fields of accounts about which chain and index have disagreed for more than one round of comparison.
    pub differences: Vec<Difference>,
    /// Number of confirmed transactions that the cluster ever dropped.
    pub rolled_back: u64,
    /// Number of transactions that are confirmed and not yet final.
    pub provisional: u64,
}

#[derive(Deserialize)]
struct Row {
    genesis: String,
    indexed_slot: u64,
    finalized_slot: u64,
    events: u64,
    rolled_back: u64,
    provisional: u64,
}

const ROW: &str = "
    SELECT genesis, indexed_slot, finalized_slot,
           (SELECT count(*) FROM event) AS events,
           (SELECT count(*) FROM rollback) AS rolled_back,
           (SELECT count(*) FROM transaction WHERE NOT finalized) AS provisional
    FROM chain";

/// Returns the status. If the node does not answer, `chain_slot` is the newest slot in the index.
pub async fn status(state: &State) -> Result<Status, Refusal> {
    let row: Row = state
        .db
        .row(ROW, &[])
        .await?
        .ok_or_else(|| Refusal::unavailable("the indexer has not met its cluster yet: try again in a second"))?;
    let missing = reconcile::gaps(&state.db).await?;
    let mut gaps: Vec<String> = missing.iter().map(|g| g.subject.clone()).collect();
    gaps.dedup();
    let chain_slot = state.client.slot().await.unwrap_or(0).max(row.indexed_slot).max(row.finalized_slot);
    Ok(Status {
        status: types::Status {
            version: env!("CARGO_PKG_VERSION").into(),
            cluster: row.genesis,
            chain_slot,
            indexed_slot: row.indexed_slot,
            finalized_slot: row.finalized_slot,
            events: row.events,
            gaps,
        },
        missing,
        differences: reconcile::lasting(&state.db).await?,
        rolled_back: row.rolled_back,
        provisional: row.provisional,
    })
}
