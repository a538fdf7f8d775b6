//! One file a command: what it takes, and what it prints.

pub mod chat;
pub mod claim;
pub mod contribute;
pub mod datanet;
pub mod grant;
pub mod job;
pub mod model;
pub mod operator;
pub mod proof;
pub mod receipt;
pub mod review;
pub mod stake;
pub mod wallet;

use openledger_sdk::amount::{format_open, parse_open};
use solana_pubkey::Pubkey;

/// An address on the command line.
fn key(text: &str) -> Result<Pubkey, String> {
    openledger_sdk::text::parse_key(text)
}

/// A hash on the command line.
fn hash(text: &str) -> Result<[u8; 32], String> {
    openledger_sdk::text::parse_hash(text)
}

/// An amount of OPEN on the command line, in base units.
fn open(text: &str) -> Result<u64, String> {
    parse_open(text)
}

/// An amount for people.
fn amount(base_units: impl Into<u64>) -> String {
    format!("{} OPEN", format_open(base_units.into()))
}

/// The first characters of a long name.
fn short(text: &str) -> String {
    text.chars().take(12).collect::<String>() + "…"
}
