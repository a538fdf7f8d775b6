//! Stores the programs' events in PostgreSQL without loss, and serves the HTTP API over them.
//!
//! - [`datasource`] brings transactions, by a subscription for speed and by the ledger's listing for completeness.
//! - [`ingest`] stores each transaction once, and sets aside what cannot be read or stored.
//! - The views in `migrations/indexer` derive all state from the stored events, and triggers keep sums over them in the
//!   same SQL transactions. The order of arrival and a kill at any moment therefore do not matter.
//! - [`reconcile`] turns confirmed rows into finalised ones, closes gaps in event numbers, and compares the index with
//!   the chain's accounts.
//! - [`bulk`] reads the leaves of batches of which the ledger has only the root.
//! - [`api`] answers from the views, over connections of its own.
//! - [`artifacts`] is the artifact service, which stores and gives the documents that the ledger names.

pub mod api;
pub mod artifacts;
pub mod bulk;
pub mod checkpoint;
pub mod config;
pub mod datasource;
pub mod db;
pub mod ingest;
mod listen;
pub mod metrics;
pub mod reconcile;
mod service;

pub use service::{resync, run};

use openledger_sdk::artifact::PoolName;

/// Names of the payout program's pools, in the order in which its accounts hold them.
pub(crate) const POOLS: [&str; payout::state::POOLS] = [PoolName::ALL[0].name(), PoolName::ALL[1].name()];
