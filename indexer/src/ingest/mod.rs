//! The only way for transactions into the database. Each is stored once, with its events. What cannot be read or stored
//! is set aside with the reason, so that everything after it goes on.

mod apply;
mod bulk;
mod error;
mod quarantine;
mod record;
mod writer;

pub use apply::{Held, Outcome, confirm, ingest, known, roll_back};
pub use bulk::ingest_new;
pub use error::IngestError;
pub use quarantine::{Due, Quarantined, due, newest, number, postpone, set_aside};
pub use record::{EventRow, LeafRows, TransactionRecord, Unread};
