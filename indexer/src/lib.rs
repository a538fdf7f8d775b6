//! Program events into PostgreSQL without loss, and the HTTP API over them.
//!
//! [`datasource`] brings transactions (subscription for speed, the ledger's listing for completeness), [`ingest`] stores
//! each once, views in `migrations/indexer` derive all state from the stored events, so that neither the order of
//! arrival nor a kill at any moment can matter; [`reconcile`] turns confirmed rows into finalised ones, closes holes in
//! event numbers and compares with the chain's accounts; [`api`] answers from the views.

pub mod api;
pub mod checkpoint;
pub mod config;
pub mod datasource;
pub mod db;
pub mod ingest;
pub mod metrics;
pub mod reconcile;
mod service;

pub use service::{resync, run};

/// Names of payout's pools, in the order of its accounts.
pub(crate) const POOLS: [&str; payout::state::POOLS] = ["contributors", "validators"];
