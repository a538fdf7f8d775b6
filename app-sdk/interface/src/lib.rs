//! The programs as their callers see them: addresses, instructions, attestations, events and errors.
//!
//! Everything that calls the programs or reads their events uses this crate: the SDK and the crates built on it, the
//! indexer, the oracle, and the programs' own tests. The crate does no input or output and knows no node. The tables of
//! errors and events under `generated` are written by `cargo xtask idl` from the programs' IDLs.

pub mod attestation;
pub mod errors;
pub mod events;
mod generated;
pub mod ix;
pub mod pda;
pub mod program;

pub use events::Event;
pub use program::Program;
