//! What happened on the ledger: the events of all programs, decoded from transactions.
//!
//! The programs emit events by self-CPI (`emit_cpi!`), so they stand among a transaction's inner instructions and
//! cannot be truncated as logs can. Leaf hashes of contributions stand in the `contribute` instruction's own data and
//! are joined to their event here. A failed transaction changed nothing and yields nothing.

mod decode;
mod event;
mod json;
mod stream;
mod transaction;

pub use decode::{EventRecord, decode, decode_instructions};
pub use event::{Contributed, Event};
pub use stream::{Cursor, Observed, Poller, stream};
pub use transaction::{Executed, executed_instructions};

/// Why a transaction could not be decoded. All of these mean a fault of the node or a program newer than this crate.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// The node answered without the transaction's binary form or metadata.
    #[error(
        "transaction {signature}: the node gave no {missing}; ask with encoding base64 and maxSupportedTransactionVersion 0"
    )]
    Incomplete {
        /// The transaction.
        signature: String,
        /// What is missing.
        missing: &'static str,
    },
    /// An instruction names an account or program that the transaction does not carry.
    #[error("an instruction names account {index} of {accounts}")]
    Account {
        /// The place named.
        index: usize,
        /// How many there are.
        accounts: usize,
    },
    /// An instruction's data is not Base58.
    #[error("inner instruction data is not base58: {0}")]
    Data(#[from] bs58::decode::Error),
    /// One of our programs emitted an event which this crate does not know.
    #[error("program {program} emitted an unknown event with discriminator {discriminator}: upgrade this software")]
    Unknown {
        /// The program.
        program: &'static str,
        /// First eight bytes in hex.
        discriminator: String,
    },
    /// An event's bytes do not match its layout.
    #[error("event {event} of program {program} does not decode: {source}; upgrade this software")]
    Layout {
        /// The program.
        program: &'static str,
        /// The event.
        event: &'static str,
        /// What Borsh says.
        source: std::io::Error,
    },
    /// A `Contributed` event does not match the instruction before it.
    #[error("batch {batch}: the event counts {event} leaves, the instruction carries {instruction}")]
    Leaves {
        /// The batch.
        batch: String,
        /// Leaves by the event.
        event: u32,
        /// Leaves in the instruction.
        instruction: usize,
    },
}
