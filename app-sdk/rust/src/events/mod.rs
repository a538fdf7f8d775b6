//! What happened on the ledger, read from a node: the events of transactions, each once, in order.
//!
//! What an event is and how it decodes is the interface's. A failed transaction changed nothing and yields nothing.

mod error;
mod record;
mod stream;
mod transaction;

pub use error::EventError;
pub use openledger_interface::events::{Contributed, DecodeError, Event, Executed, decode_instructions};
pub use record::{EventRecord, decode};
pub use stream::{Cursor, Observed, Poller, stream};
pub use transaction::executed_instructions;
