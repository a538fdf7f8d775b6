//! Sources of transactions: a subscription for speed, and the ledger's own listing for completeness. Both call
//! [`Source::take`], which stores transactions through [`crate::ingest`]. It therefore does not matter which source
//! brings a transaction, or how often.

mod backfill;
mod error;
mod fetch;
mod retry;
mod source;
mod subscribe;
mod together;

pub use backfill::{Taken, backfill, backfill_account};
pub use error::SourceError;
pub use retry::retry;
pub use source::Source;
pub use subscribe::subscribe;
