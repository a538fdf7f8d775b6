//! The Rust SDK of OpenLedger: accounts, instructions, artifacts, receipts and proofs.
//!
//! Everything off chain goes through this crate:
//!
//! - The indexer decodes the ledger's history with [`events`].
//! - Operators and users send transactions with [`client::Client`] and [`ix`].
//! - Artifacts are stored and read through [`store::Store`].
//! - Users check proofs and answers with [`proof`] and [`receipt`], without trusting who sent them.
//! - [`flow`] joins these into the flows of users: contribute, review, ask, claim, govern.
//!
//! Addresses, instructions and events are those of [`openledger_interface`], which this crate re-exports.

pub mod amount;
pub mod api;
pub mod artifact;
pub mod canonical;
pub mod client;
mod error;
pub mod events;
pub mod flow;
pub mod manifest;
mod printable;
pub mod proof;
pub mod receipt;
pub mod review;
pub mod store;
pub mod text;
pub mod wallet;

pub use client::{Client, SendOptions};
pub use error::{SdkError, explain};
pub use events::{Event, EventRecord};
pub use openledger_interface::{Program, attestation, ix, pda, program};
pub use printable::printable;
pub use store::Store;
pub use wallet::local_program_keypair;
