//! Reads the events of transactions from a node, each once and in order.
//!
//! The interface crate defines the events and decodes them. A failed transaction changed nothing, so it yields no
//! events.

mod error;
mod record;
mod stream;
mod transaction;
mod version;

pub use error::EventError;
pub use openledger_interface::events::{Contributed, DecodeError, Event, Executed, decode_instructions};
pub use record::{EventRecord, Undecoded, decode, decode_what_can_be};
pub use stream::{Cursor, Observed, Poller, stream};
pub use transaction::{executed_instructions, has_failed};
pub use version::NEWEST_TRANSACTION_VERSION;
