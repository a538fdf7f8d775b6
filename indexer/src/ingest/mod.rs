//! The only way for transactions into the database. Each is stored once, with its events.

mod apply;
mod record;

pub use apply::{IngestError, Outcome, ingest, known, replace, roll_back};
pub use record::{EventRow, LeafRows, TransactionRecord};
