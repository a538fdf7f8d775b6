//! What the finalized ledger says, derived from accounts and events alone: payments, other payments into the pools,
//! results of jobs, accepted batches.
//!
//! Nothing here asks the indexer. The programs number the events of each account without holes, and the account itself
//! says how many there are. So a Solana node that leaves an event out is found out by the numbers ([`numbered`]), and
//! one that changes an amount by the totals ([`shards`]). Where the operator has configured a second node, both are
//! asked, and their answers must be equal ([`Ledger`]).
//!
//! "Not yet" is an error of its own ([`LedgerError::NotYet`]). Nobody may take it for "there is none".

mod batches;
mod error;
#[cfg(test)]
pub mod fake;
mod newest;
mod node;
mod numbered;
mod reader;
mod results;
mod shards;
mod tail;
#[cfg(test)]
mod tests;
mod two_nodes;

pub use batches::AcceptedBatch;
pub use error::LedgerError;
pub use results::JobResult;
pub use shards::{Funding, Payment};
pub use two_nodes::Ledger;
