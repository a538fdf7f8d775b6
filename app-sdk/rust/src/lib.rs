//! The Rust SDK of OpenLedger: accounts, instructions, artifacts, receipts and proofs.
//!
//! Everything off chain goes through this crate:
//!
//! - The indexer decodes the ledger's history with [`events`].
//! - Operators and users send transactions with [`client::Client`] and [`ix`].
//! - Artifacts are stored and read through [`store::Store`].
//! - Users check proofs and answers with [`proof`] and [`receipt`], without trusting who sent them.
//! - Programs of users find node, index, artifacts and wallet by [`Settings::find`].
//! - [`flow`] joins these into the flows of users: contribute, review, ask, claim, govern.
//!
//! Addresses, instructions and events are those of [`openledger_interface`], which this crate re-exports.

mod account_kind;
pub mod amount;
pub mod api;
pub mod artifact;
pub mod canonical;
pub mod client;
mod error;
mod error_kind;
pub mod events;
#[cfg(test)]
mod fake_node;
pub mod flow;
pub mod manifest;
pub mod price;
pub mod proof;
pub mod receipt;
pub mod review;
pub mod settings;
pub mod store;
pub mod text;
pub mod wait;
pub mod wallet;

pub use client::{Client, PriorityFee, SendOptions, Sending};
pub use error::{SdkError, explain};
pub use error_kind::ErrorKind;
pub use events::{Event, EventRecord};
pub use openledger_interface::{Program, attestation, ix, pda, program};
pub use openledger_text::printable;
pub use settings::Settings;
pub use store::Store;
pub use wallet::{AnySigner, local_program_keypair};
