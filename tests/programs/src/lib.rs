//! A small test SDK for the programs on the SVM; the tests are in `tests/`.
//!
//! [`World`] is a fresh in-process SVM with the compiled programs, the OPEN mint and an authority. Each program has a
//! module with the set-up that several tests share. Addresses and instructions are those of [`openledger_interface`],
//! which every caller uses. The tests' independence lies in their assertions. A wrong instruction is an honest one with
//! one change ([`swapped`]).

pub mod attest;
pub mod bill;
pub mod books;
pub mod datanet;
pub mod governance;
pub mod idl;
pub mod keys;
pub mod model;
pub mod payout;
pub mod scenario;
pub mod stake;
pub mod town;
pub mod tx;
pub mod world;

pub use keys::{Key, address, key};
pub use tx::{Failed, Sent, refused};
pub use world::World;

use std::path::PathBuf;

use solana_instruction::Instruction;
use solana_pubkey::Pubkey;

/// One whole OPEN in base units.
pub const OPEN: u64 = 1_000_000_000;
/// The fixed supply in base units.
pub const SUPPLY: u64 = 1_000_000_000 * OPEN;

/// This package's folder in the checkout that the tests run in. The tests may have been compiled in another checkout,
/// because checkouts share a target folder.
pub fn folder() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo test and nextest name the package's folder").into()
}

/// The instruction with every mention of account `from` replaced by `to`. Most attacks use it.
pub fn swapped(mut instruction: Instruction, from: Pubkey, to: Pubkey) -> Instruction {
    let mut found = false;
    for meta in instruction.accounts.iter_mut().filter(|m| m.pubkey == from) {
        meta.pubkey = to;
        found = true;
    }
    assert!(found, "the instruction does not name {from}");
    instruction
}
