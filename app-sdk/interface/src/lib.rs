//! The programs as their callers see them: addresses, instructions, attestations, events, errors.
//!
//! Everything that talks to the programs goes through this crate: the SDK and what is built on it, the indexer, the
//! oracle, and the programs' own tests. It reads and writes nothing, and knows no node. The tables of errors and events
//! under `generated` are written by `cargo xtask idl` from the programs' interface descriptions.

pub mod attestation;
pub mod errors;
pub mod events;
mod generated;
pub mod ix;
pub mod pda;
pub mod program;

pub use events::Event;
pub use program::Program;
