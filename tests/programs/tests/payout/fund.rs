//! `fund`: anyone pays tokens into a pool, and they are counted to the unit (M1).

use ::payout::{
    error::PayoutError,
    events::Funded,
    state::{Config, Pool, Shard},
};
use ::stake::error::SharedError;
use anchor_lang::error::ErrorCode;
use openledger_interface::{ix, pda};
use program_tests::{
    OPEN, World,
    keys::address,
    payout::{self, CHALLENGE_SLOTS, EPOCH_SLOTS, claim_args, tree},
    refused, swapped,
    tx::refused_with,
};
use proptest::{
    prelude::*,
    test_runner::{Config as Runs, RngAlgorithm, TestRng, TestRunner},
};
use solana_keypair::Signer;
use std::cell::RefCell;

#[test]
fn anyone_funds_a_pool_and_earners_claim_it() {
    let (mut world, market) = World::with_market(2, 1);
    let (giver, earner) = (world.wallet(10 * OPEN), world.wallet(0));
    for (pool, sequence) in [(Pool::Contributors, 0), (Pool::Validators, 1)] {
        let give = ix::payout::fund(&giver.pubkey(), &world.mint, 1, pool, &address("a cause"), OPEN);
        let event: Funded = world.send(&[give], &[&giver]).expect("gives").event();
        assert_eq!((event.shard, event.sequence, event.pool), (pda::shard(1), sequence, pool));
        assert_eq!((event.subject, event.payer, event.amount), (address("a cause"), giver.pubkey(), OPEN));
        assert_eq!(event.epoch, world.get::<Config>(&pda::payout_config()).epoch);
    }
    assert_eq!(world.get::<Shard>(&pda::shard(1)).funded, [OPEN, OPEN]);
    assert_eq!(world.balance(&pda::vault(1)), 2 * OPEN);
    assert_eq!(world.open_of(&giver.pubkey()), 8 * OPEN);
    // Exactly the given amount can be divided and claimed, like a fee (M3).
    let (earned, none) = (tree(&[(earner.pubkey(), OPEN)]), tree(&[]));
    let too_much = tree(&[(earner.pubkey(), OPEN + 1)]);
    world.pass(EPOCH_SLOTS);
    let args = payout::settlement_args(&world, [&too_much, &none]);
    refused(market.post(&mut world, &args), PayoutError::OverFunded);
    let args = payout::settlement_args(&world, [&earned, &none]);
    market.post(&mut world, &args).expect("posts");
    world.pass(CHALLENGE_SLOTS);
    world.send(&[ix::payout::activate_settlement(1)], &[]).expect("activates");
    let args = claim_args(&earned, Pool::Contributors, &earner.pubkey());
    let paid = ix::payout::claim(&earner.pubkey(), &earner.pubkey(), &world.mint, 1, args);
    world.send(&[paid], &[&earner]).expect("claims");
    assert_eq!(world.open_of(&earner.pubkey()), OPEN);
}

#[test]
fn wrong_accounts_and_amounts_are_refused() {
    let (mut world, _) = World::with_market(2, 1);
    let (giver, other) = (world.wallet(OPEN), world.wallet(OPEN));
    let give = |world: &World, amount| {
        ix::payout::fund(&giver.pubkey(), &world.mint, 0, Pool::Contributors, &address("cause"), amount)
    };
    refused(world.send(&[give(&world, 0)], &[&giver]), PayoutError::ZeroAmount);
    refused_with(world.send(&[give(&world, OPEN + 1)], &[&giver]), "insufficient funds");
    let good = give(&world, OPEN);
    let (own, theirs) = (world.ata(&giver.pubkey()), world.ata(&other.pubkey()));
    let stolen = swapped(good.clone(), own, theirs);
    refused(world.send(&[stolen], &[&giver]), ErrorCode::ConstraintTokenOwner);
    let mut unsigned = good.clone();
    unsigned.accounts[0].is_signer = false;
    refused(world.send(&[unsigned], &[]), ErrorCode::AccountNotSigner);
    for vault in [pda::vault(1), theirs, own] {
        let elsewhere = swapped(good.clone(), pda::vault(0), vault);
        assert!(world.send(&[elsewhere], &[&giver]).is_err(), "only the shard's own vault");
    }
    let (mint, foreign) = (address("other mint"), address("foreign tokens"));
    world.put_mint(mint, 9);
    world.put_token(foreign, mint, giver.pubkey(), OPEN);
    refused(world.send(&[swapped(good.clone(), own, foreign)], &[&giver]), ErrorCode::ConstraintTokenMint);
    let mut shard = world.get::<Shard>(&pda::shard(0));
    shard.funded[0] = u64::MAX;
    world.put(pda::shard(0), &shard);
    refused(world.send(&[good], &[&giver]), SharedError::Overflow);
    assert_eq!(world.open_of(&giver.pubkey()), OPEN);
}

/// M1: for any payments into any pool, every vault holds what its shard has counted.
#[test]
fn vaults_hold_what_their_shards_noted() {
    let (mut world, _) = World::with_market(2, 1);
    let giver = world.wallet(1_000 * OPEN);
    let world = RefCell::new(world);
    let config = Runs { cases: 32, failure_persistence: None, ..Runs::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let step = (0..2u8, any::<bool>(), prop_oneof![1..=OPEN, 1..=2_000 * OPEN]);
    let given = RefCell::new([[0u64; 2]; 2]);
    runner
        .run(&step, |(index, validators, amount)| {
            let world = &mut *world.borrow_mut();
            let pool = if validators { Pool::Validators } else { Pool::Contributors };
            let before = world.open_of(&giver.pubkey());
            let give = ix::payout::fund(&giver.pubkey(), &world.mint, index, pool, &address("cause"), amount);
            let taken = world.send(&[give], &[&giver]).is_ok();
            prop_assert_eq!(taken, amount <= before);
            if taken {
                given.borrow_mut()[index as usize][pool as usize] += amount;
            }
            let all = given.borrow().as_flattened().iter().sum::<u64>();
            prop_assert_eq!(world.open_of(&giver.pubkey()), 1_000 * OPEN - all);
            for (i, noted) in given.borrow().iter().enumerate() {
                prop_assert_eq!(world.get::<Shard>(&pda::shard(i as u8)).funded, *noted);
                prop_assert_eq!(world.balance(&pda::vault(i as u8)), noted.iter().sum::<u64>());
            }
            Ok(())
        })
        .unwrap();
}
