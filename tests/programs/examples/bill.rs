//! Prints as JSON the cost of every instruction of the programs, and how fast one node processes claims. It is run by
//! `cargo xtask bench programs`.

use ::payout::state::Pool;
use openledger_interface::ix;
use program_tests::{
    Key, OPEN, World,
    bill::{self, Bill},
    key, payout, scenario,
    town::{SHARDS, Town},
};
use serde::Serialize;
use solana_keypair::Signer;
use std::time::Instant;

/// Number of timed claims.
const CLAIMS: usize = 500;

#[derive(Serialize)]
struct Output {
    bill: Bill,
    /// First claims that one in-process SVM processed per second. Each is for another wallet, which pays the rent of
    /// its own claim account.
    claims_per_second: f64,
    claims: usize,
    shards: u8,
    /// Rent of an empty account in lamports, and lamports for every further byte.
    rent_of_none: u64,
    rent_of_byte: u64,
}

fn main() {
    let town = Town::new();
    let bill = bill::measure(&town, &scenario::all());
    let rent = |bytes| town.bare.svm.minimum_balance_for_rent_exemption(bytes);
    let (rent_of_none, rent_of_byte) = (rent(0), rent(1) - rent(0));
    let claims_per_second = claims_per_second(town);
    let output = Output { bill, claims_per_second, claims: CLAIMS, shards: SHARDS, rent_of_none, rent_of_byte };
    println!("{}", serde_json::to_string_pretty(&output).expect("figures are JSON"));
}

fn claims_per_second(mut town: Town) -> f64 {
    let wallets: Vec<Key> = (0..CLAIMS).map(|i| key(&format!("claimant {i}"))).collect();
    for wallet in &wallets {
        town.world().airdrop(&wallet.pubkey());
        town.world().fund(&wallet.pubkey(), 0);
    }
    // Earlier earnings stay in the tree, because a total never falls.
    let before =
        town.trees[0].leaves().iter().map(|(wallet, lifetime)| (solana_pubkey::Pubkey::from(*wallet), *lifetime));
    let leaves: Vec<_> = before.chain(wallets.iter().map(|w| (w.pubkey(), OPEN / 2))).collect();
    let tree = payout::tree(&leaves);
    let market = town.market.clone();
    market.settle(&mut town.lab.world, [&tree, &town.trees[1]]);
    let world: &mut World = &mut town.lab.world;
    let start = Instant::now();
    for (i, wallet) in wallets.iter().enumerate() {
        let me = wallet.pubkey();
        let args = payout::claim_args(&tree, Pool::Contributors, &me);
        let claim = ix::payout::claim(&me, &me, &world.mint, (i % usize::from(SHARDS)) as u8, args);
        world.send(&[claim], &[wallet]).expect("claims");
    }
    CLAIMS as f64 / start.elapsed().as_secs_f64()
}
