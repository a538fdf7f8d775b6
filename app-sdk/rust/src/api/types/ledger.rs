//! The indexer's status, and the ledger's events.

use super::super::schema::{Address, Signature};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `GET /v1/status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// The indexer's version.
    pub version: String,
    /// Genesis hash of the cluster, Base58.
    #[schema(value_type = Address)]
    pub cluster: String,
    /// Newest slot that the node reports.
    pub chain_slot: u64,
    /// Slot up to which every event is in the database, or in quarantine.
    pub indexed_slot: u64,
    /// Slot up to which rows are final.
    pub finalized_slot: u64,
    /// Number of events held.
    pub events: u64,
    /// Subjects whose sequence numbers have a gap. It is empty if nothing is missing.
    #[schema(value_type = Vec<Address>)]
    pub gaps: Vec<String>,
}

/// An event, `GET /v1/events?after=`; oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Event)]
pub struct EventRow {
    /// Number of the row. To go on, pass the last one as `after`.
    pub id: u64,
    /// Slot.
    pub slot: u64,
    /// Transaction.
    #[schema(value_type = Signature)]
    pub signature: String,
    /// Place among the transaction's events.
    pub ordinal: u32,
    /// The program's name.
    pub program: String,
    /// The event's name ([`crate::Event::name`]).
    pub name: String,
    /// The account that numbers it.
    #[schema(value_type = Address)]
    pub subject: String,
    /// Its number among its subject's events.
    pub sequence: u64,
    /// Its fields ([`crate::Event::to_json`]).
    pub data: serde_json::Value,
    /// Whether its slot is final.
    pub finalized: bool,
    /// Unix time of the block in seconds, if known.
    pub block_time: Option<i64>,
}
