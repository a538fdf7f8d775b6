//! The one way into the database: a transaction with its events, once.

mod apply;
mod record;

pub use apply::{IngestError, Outcome, ingest, known, replace, roll_back};
pub use record::{EventRow, LeafRows, TransactionRecord};
