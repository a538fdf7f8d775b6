//! Keys that are the same in every run.

use openledger_protocol::hash::sha256;
use solana_keypair::{Keypair, Signer};

/// A keypair. `Keypair` cannot be cloned implicitly, so tests share it by reference.
pub type Key = Keypair;

/// The keypair of `name`: seed = SHA-256 of the name.
pub fn key(name: &str) -> Key {
    Keypair::new_from_array(sha256(&[b"program-tests key: ", name.as_bytes()]))
}

/// The address of `name`'s keypair, for accounts that never sign.
pub fn address(name: &str) -> solana_pubkey::Pubkey {
    key(name).pubkey()
}
