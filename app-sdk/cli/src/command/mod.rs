//! The commands, one file for each: its arguments, and what it prints.

pub mod chat;
pub mod claim;
pub mod contribute;
pub mod datanet;
pub mod grant;
pub mod job;
pub mod model;
pub mod operator;
pub mod proof;
pub mod proposal;
pub mod receipt;
pub mod review;
pub mod stake;
pub mod votes;
pub mod wallet;

use openledger_sdk::amount::{format_open, parse_open};

/// An address and a hash on the command line.
use openledger_sdk::text::{parse_hash as hash, parse_key as key};

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
