//! `post_settlement` and `activate_settlement`: the limits of a settlement, whoever signed it.

use ::payout::{
    error::PayoutError,
    events::{SettlementActivated, SettlementPosted},
    instructions::PostSettlementArgs,
    state::{Config, Settlement, SettlementStatus, Shard},
};
use anchor_lang::error::ErrorCode;
use openledger_interface::{ix, pda};
use program_tests::{
    OPEN, World,
    keys::address,
    payout::{CHALLENGE_SLOTS, EPOCH_SLOTS, Market, pool_root, settlement_args, tree},
    refused, swapped,
};
use solana_instruction::AccountMeta;
use solana_keypair::Signer;

/// A market in which 100 OPEN were paid over two shards and the epoch is over.
fn paid() -> (World, Market, [u64; 2]) {
    let (mut world, market) = World::with_market(3, 3);
    let payer = world.wallet(100 * OPEN);
    for (shard, amount) in [(0, 60 * OPEN), (2, 40 * OPEN)] {
        world.send(&[market.pay(&world, &payer.pubkey(), shard, [1; 32], amount)], &[&payer]).unwrap();
    }
    let funded = [40 * OPEN, 10 * OPEN];
    world.pass(EPOCH_SLOTS);
    (world, market, funded)
}

#[test]
fn an_epoch_is_posted_waits_and_becomes_what_claims_are_proven_against() {
    let (mut world, market, funded) = paid();
    let (data, review) = (tree(&[(address("a"), funded[0])]), tree(&[(address("b"), funded[1] - 1)]));
    let args = settlement_args(&world, [&data, &review]);
    let event = market.post(&mut world, &args).unwrap().event::<SettlementPosted>();
    assert_eq!((event.epoch, event.pools, event.funded), (1, args.pools, funded));
    assert_eq!((event.active_after, event.committee_epoch), (world.slot() + CHALLENGE_SLOTS, 1));
    let config = world.get::<Config>(&pda::payout_config());
    assert_eq!((config.epoch, config.epoch_start_slot), (2, world.slot()));
    assert_eq!((config.posted, config.active), (args.pools, Default::default()));
    let settlement = world.get::<Settlement>(&pda::settlement(1));
    assert_eq!((settlement.status, settlement.funded), (SettlementStatus::Posted, funded));
    assert_eq!(settlement.report_hash, args.report_hash);

    world.pass(CHALLENGE_SLOTS - 1);
    refused(world.send(&[ix::payout::activate_settlement(1)], &[]), PayoutError::ChallengeOpen);
    world.pass(1);
    let event = world.send(&[ix::payout::activate_settlement(1)], &[]).unwrap().event::<SettlementActivated>();
    assert_eq!((event.epoch, event.sequence), (1, world.get::<Config>(&pda::payout_config()).sequence - 1));
    let config = world.get::<Config>(&pda::payout_config());
    assert_eq!((config.active, config.active_epoch), (args.pools, 1));
    // Refused: a second activation, and another settlement's account.
    refused(world.send(&[ix::payout::activate_settlement(1)], &[]), PayoutError::NotPosted);
}

#[test]
fn totals_never_fall_and_never_exceed_what_was_paid_in() {
    let (mut world, market, funded) = paid();
    let with_totals = |world: &World, data, review| {
        let empty = tree(&[]);
        let mut args = settlement_args(world, [&empty, &empty]);
        (args.pools[0].lifetime_total, args.pools[1].lifetime_total) = (data, review);
        args
    };
    for (data, review) in [(funded[0] + 1, 0), (0, funded[1] + 1), (u64::MAX, 0), (funded[0], u64::MAX)] {
        let args = with_totals(&world, data, review);
        refused(market.post(&mut world, &args), PayoutError::OverFunded);
    }
    // One pool's funding does not cover the other's total, although the vaults hold enough.
    let args = with_totals(&world, 0, funded[0] + funded[1]);
    refused(market.post(&mut world, &args), PayoutError::OverFunded);
    let args = with_totals(&world, funded[0], funded[1]);
    market.post(&mut world, &args).unwrap();
    world.pass(EPOCH_SLOTS);
    world.send(&[ix::payout::activate_settlement(1)], &[]).unwrap();
    for (data, review) in [(funded[0] - 1, funded[1]), (funded[0], funded[1] - 1), (0, 0)] {
        let args = with_totals(&world, data, review);
        refused(market.post(&mut world, &args), PayoutError::TotalFell);
    }
    let args = with_totals(&world, funded[0], funded[1]);
    market.post(&mut world, &args).unwrap();
}

#[test]
fn an_epoch_starts_from_the_roots_before_it_and_none_is_skipped_or_early() {
    let (mut world, market, funded) = paid();
    let data = tree(&[(address("a"), funded[0])]);
    let empty = tree(&[]);
    let good = settlement_args(&world, [&data, &empty]);
    for epoch in [0, 2, u64::MAX] {
        let args = PostSettlementArgs { epoch, ..good.clone() };
        refused(market.post(&mut world, &args), PayoutError::WrongEpoch);
    }
    let args = PostSettlementArgs { previous: good.pools, ..good.clone() };
    refused(market.post(&mut world, &args), PayoutError::WrongPrevious);
    market.post(&mut world, &good).unwrap();
    // The next settlement is refused before this one is active and before its epoch is over.
    let next = |world: &World| settlement_args(world, [&data, &empty]);
    world.pass(EPOCH_SLOTS - 1);
    let args = next(&world);
    refused(market.post(&mut world, &args), PayoutError::PreviousNotActive);
    world.send(&[ix::payout::activate_settlement(1)], &[]).unwrap();
    let args = next(&world);
    refused(market.post(&mut world, &args), PayoutError::EpochNotOver);
    world.pass(1);
    let args = PostSettlementArgs { previous: [pool_root(&empty); 2], ..next(&world) };
    refused(market.post(&mut world, &args), PayoutError::WrongPrevious);
    let args = next(&world);
    market.post(&mut world, &args).unwrap();
}

#[test]
fn the_cutoff_lies_in_the_epoch_and_not_in_the_future() {
    let (mut world, market, _) = paid();
    let empty = tree(&[]);
    let good = settlement_args(&world, [&empty, &empty]);
    let start = world.get::<Config>(&pda::payout_config()).epoch_start_slot;
    for cutoff_slot in [0, start - 1, world.slot() + 1, u64::MAX] {
        let args = PostSettlementArgs { cutoff_slot, ..good.clone() };
        refused(market.post(&mut world, &args), PayoutError::BadCutoff);
    }
    market.post(&mut world, &PostSettlementArgs { cutoff_slot: start, ..good }).unwrap();
}

#[test]
fn every_shard_is_counted_once_in_order() {
    let (mut world, market, funded) = paid();
    let data = tree(&[(address("a"), funded[0])]);
    let args = settlement_args(&world, [&data, &tree(&[])]);
    let payer = world.authority.insecure_clone();
    let before = market.attestation(&world, &args);
    let bare = ix::payout::post_settlement(&payer.pubkey(), 1, 0, args.clone());
    let with = |shards: &[solana_pubkey::Pubkey]| {
        let mut out = bare.clone();
        out.accounts.extend(shards.iter().map(|s| AccountMeta::new_readonly(*s, false)));
        [before.clone(), out]
    };
    let [a, b, c] = [0, 1, 2].map(pda::shard);
    let fake = address("fake shard");
    let mut rich = world.get::<Shard>(&b);
    rich.funded = [u64::MAX / 2; 2];
    world.put(fake, &rich);
    let mut data = world.svm.get_account(&fake).unwrap();
    data.owner = ::model::ID;
    world.svm.set_account(fake, data).unwrap();
    for shards in [
        vec![],
        vec![a, b],
        vec![a, a, c],
        vec![a, c, b],
        vec![a, b, c, c],
        vec![a, fake, c],
        vec![a, pda::payout_config(), c],
    ] {
        refused(world.send(&with(&shards), &[&payer]), PayoutError::WrongShards);
    }
    world.send(&with(&[a, b, c]), &[&payer]).unwrap();
}

#[test]
fn a_settlement_account_of_ones_own_making_or_another_epochs_is_refused() {
    let (mut world, market, _) = paid();
    let empty = tree(&[]);
    let args = settlement_args(&world, [&empty, &empty]);
    let payer = world.authority.insecure_clone();
    let before = market.attestation(&world, &args);
    let main = ix::payout::post_settlement(&payer.pubkey(), 1, 3, args.clone());
    let wrong = swapped(main, pda::settlement(1), pda::settlement(2));
    refused(world.send(&[before, wrong], &[&payer]), ErrorCode::ConstraintSeeds);
    // Lamports sent to its address before do not block it.
    world.airdrop(&pda::settlement(1));
    market.post(&mut world, &args).unwrap();
    // A copy at another address cannot be activated in its place.
    world.pass(CHALLENGE_SLOTS);
    let copy = world.get::<Settlement>(&pda::settlement(1));
    world.put(address("copy"), &copy);
    let wrong = swapped(ix::payout::activate_settlement(1), pda::settlement(1), address("copy"));
    refused(world.send(&[wrong], &[]), ErrorCode::ConstraintSeeds);
}
