//! What happened on the ledger: the events of all programs, decoded from executed instructions.
//!
//! The programs emit events by self-CPI (`emit_cpi!`), so they stand among a transaction's inner instructions and
//! cannot be truncated as logs can. Leaf hashes of contributions stand in the `contribute` instruction's own data and
//! are joined to their event here.

mod decode;
mod event;
mod json;

pub use decode::{DecodeError, Executed, decode_instructions};
pub use event::{Contributed, Event};
