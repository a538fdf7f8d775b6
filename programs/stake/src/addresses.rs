//! Addresses that never change. An instruction with a compute budget compares with them and does not derive them.

use anchor_lang::{prelude::*, pubkey};

/// The config.
pub const CONFIG: Pubkey = pubkey!("3tZg743RmvxyqxxUN8LbgrBGutz7z6wU8BGqTsvVFixR");
/// The stake vault.
pub const VAULT: Pubkey = pubkey!("Bp5NKPP8JhkAsNotpQxMWQccmU9dUMZy87utxzeP1dgh");
/// The insurance vault.
pub const INSURANCE: Pubkey = pubkey!("HgzjV73tq5dz8QJ2Lbpjmu85QNqYMzHNxspZefFWt9mf");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeds;

    #[test]
    fn the_addresses_are_those_that_the_seeds_give() {
        for (address, seed) in [(CONFIG, seeds::CONFIG), (VAULT, seeds::VAULT), (INSURANCE, seeds::INSURANCE)] {
            assert_eq!(address, Pubkey::find_program_address(&[seed], &crate::ID).0);
        }
    }
}
