//! The events of all programs, decoded from executed instructions.
//!
//! The programs emit events by self-CPI (`emit_cpi!`). The events are therefore among a transaction's inner
//! instructions and cannot be truncated as logs can. The leaf hashes of contributions are in the data of the
//! `contribute` instruction, and are joined to their event here.

mod decode;
mod event;
mod json;

pub use decode::{DecodeError, Executed, decode_each, decode_instructions};
pub use event::{Contributed, Event};
