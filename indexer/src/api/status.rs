//! The indexer's status: whether the index is complete, and whether it agrees with the chain.

use super::{error::Refusal, state::State};
use crate::{
    bulk,
    ingest::{self, Quarantined},
    reconcile::{self, Difference, Gap},
};
use openledger_sdk::api::types;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Most things in quarantine that an answer names.
const NAMED: i64 = 50;

/// `GET /v1/status`: the SDK's [`types::Status`] with further details.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// The fields that the SDK reads.
    #[serde(flatten)]
    #[schema(inline)]
    pub status: types::Status,
    /// Missing event numbers.
    pub missing: Vec<Gap>,
    /// Fields of accounts about which chain and index have disagreed for more than one round of comparison.
    pub differences: Vec<Difference>,
    /// Number of confirmed transactions that the cluster ever dropped.
    pub rolled_back: u64,
    /// Number of transactions that are confirmed and not yet final.
    pub provisional: u64,
    /// Number of transactions and events that could not be read or stored. They are read again from time to time.
    pub quarantined: u64,
    /// The last of them.
    pub quarantine: Vec<Quarantined>,
    /// Number of batches in bulk whose leaves could not be read yet. They are looked for again.
    pub unread_batches: u64,
    /// Names the numbers of the events in the feed. If it has changed, they are others than before.
    pub feed: String,
}

#[derive(Deserialize)]
struct Row {
    feed: String,
    genesis: String,
    indexed_slot: u64,
    finalized_slot: u64,
    events: u64,
    rolled_back: u64,
    provisional: u64,
}

const ROW: &str = "
    SELECT genesis, feed, indexed_slot, finalized_slot,
           coalesce((SELECT events FROM tally WHERE kind = 'event' AND key = ''), 0) AS events,
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
    let chain_slot = state.chain_slot().await.max(row.indexed_slot).max(row.finalized_slot);
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
        quarantined: ingest::number(&state.db).await?,
        quarantine: ingest::newest(&state.db, NAMED).await?,
        unread_batches: bulk::unread(&state.db).await?,
        feed: row.feed,
    })
}
