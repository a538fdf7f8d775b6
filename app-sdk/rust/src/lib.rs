//! Rust SDK: accounts, instructions, artifacts, receipts and proofs of OpenLedger.
//!
//! Everything off chain goes through this crate: the indexer decodes ledger history with [`events`], operators and
//! users send transactions with [`client::Client`] and [`ix`], artifacts move through [`store::Store`], and what a user
//! is told can be checked with [`proof`] and [`receipt`] without trusting whoever told it. [`flow`] strings these
//! together into what a person does: contribute, review, ask, claim. Addresses, instructions and the like are those of
//! [`openledger_interface`], passed on.

pub mod amount;
pub mod api;
pub mod artifact;
pub mod canonical;
pub mod client;
mod error;
pub mod events;
pub mod flow;
pub mod manifest;
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
pub use store::Store;
pub use wallet::local_program_keypair;
