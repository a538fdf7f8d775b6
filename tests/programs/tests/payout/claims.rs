//! `claim`: pays everything earned, once, to the wallet's own token account, as fast as the circuit breaker allows.

use ::payout::{
    error::PayoutError,
    events::Claimed,
    instructions::ClaimArgs,
    state::{Claim, Pool, Shard},
};
use anchor_lang::error::ErrorCode;
use openledger_interface::{ix, pda};
use openledger_protocol::rewards::RewardTree;
use program_tests::{
    Key, OPEN, World,
    keys::address,
    payout::{self, BREAKER_CAP, BREAKER_SLOTS, EPOCH_SLOTS, Market, claim_args, tree},
    refused, swapped,
};
use solana_keypair::Signer;
use solana_pubkey::Pubkey;

/// A market with `shards` shards, and `each` base units paid into each of them.
fn funded(shards: u8, each: u64) -> (World, Market) {
    let (mut world, market) = World::with_market(shards, 1);
    let payer = world.wallet(each * shards as u64);
    for shard in 0..shards {
        world.send(&[market.pay(&world, &payer.pubkey(), shard, [1; 32], each)], &[&payer]).unwrap();
    }
    (world, market)
}

/// Two wallets and two trees. They earned 30 and 10 OPEN as contributors, and the first also earned 5 OPEN as a
/// validator.
fn earned(world: &mut World) -> (Key, Key, RewardTree, RewardTree) {
    let (a, b) = (world.wallet(0), world.wallet(0));
    let data = tree(&[(a.pubkey(), 30 * OPEN), (b.pubkey(), 10 * OPEN), (address("third"), 0)]);
    let review = tree(&[(a.pubkey(), 5 * OPEN)]);
    (a, b, data, review)
}

#[test]
fn anyone_claims_for_a_wallet_and_the_wallet_is_paid_once() {
    let (mut world, market) = funded(1, 100 * OPEN);
    let (a, b, data, review) = earned(&mut world);
    market.settle(&mut world, [&data, &review]);
    let stranger = world.wallet(0);
    let claim = |world: &World, wallet: &Pubkey, tree: &RewardTree, pool| {
        ix::payout::claim(&stranger.pubkey(), wallet, &world.mint, 0, claim_args(tree, pool, wallet))
    };
    let first = claim(&world, &a.pubkey(), &data, Pool::Contributors);
    let event = world.send(&[first.clone()], &[&stranger]).unwrap().event::<Claimed>();
    assert_eq!((event.sequence, event.wallet, event.paid, event.lifetime), (0, a.pubkey(), 30 * OPEN, 30 * OPEN));
    assert_eq!((event.pool, event.shard), (Pool::Contributors, pda::shard(0)));
    assert_eq!(world.open_of(&a.pubkey()), 30 * OPEN);
    refused(world.send(&[first], &[&stranger]), PayoutError::NothingToClaim);
    // Claims from the other pool and for the other wallet are separate.
    let event = world.send(&[claim(&world, &a.pubkey(), &review, Pool::Validators)], &[&stranger]).unwrap();
    assert_eq!((event.event::<Claimed>().sequence, event.event::<Claimed>().paid), (1, 5 * OPEN));
    world.send(&[claim(&world, &b.pubkey(), &data, Pool::Contributors)], &[&stranger]).unwrap();
    let record = world.get::<Claim>(&pda::claim(&a.pubkey()));
    assert_eq!((record.wallet, record.claimed, record.sequence), (a.pubkey(), [30 * OPEN, 5 * OPEN], 2));
    assert_eq!(world.get::<Shard>(&pda::shard(0)).claimed, [40 * OPEN, 5 * OPEN]);
    assert_eq!(world.balance(&pda::vault(0)), 5 * OPEN);
    // A wallet that earned nothing has nothing to claim.
    world.fund(&address("third"), 0);
    let nothing = claim(&world, &address("third"), &data, Pool::Contributors);
    refused(world.send(&[nothing], &[&stranger]), PayoutError::NothingToClaim);
}

#[test]
fn one_claim_pays_what_several_epochs_earned() {
    let (mut world, market) = funded(1, 1_000 * OPEN);
    let wallet = world.wallet(0);
    let me = wallet.pubkey();
    let empty = tree(&[]);
    let old = tree(&[(me, 7 * OPEN)]);
    market.settle(&mut world, [&old, &empty]);
    world
        .send(&[ix::payout::claim(&me, &me, &world.mint, 0, claim_args(&old, Pool::Contributors, &me))], &[&wallet])
        .unwrap();
    for lifetime in [20 * OPEN, 50 * OPEN] {
        market.settle(&mut world, [&tree(&[(me, lifetime)]), &empty]);
    }
    // A proof against a root that is no longer active is refused.
    let stale = ix::payout::claim(&me, &me, &world.mint, 0, claim_args(&old, Pool::Contributors, &me));
    refused(world.send(&[stale], &[&wallet]), PayoutError::BadProof);
    let now = tree(&[(me, 50 * OPEN)]);
    let claim = ix::payout::claim(&me, &me, &world.mint, 0, claim_args(&now, Pool::Contributors, &me));
    assert_eq!(world.send(&[claim], &[&wallet]).unwrap().event::<Claimed>().paid, 43 * OPEN);
    assert_eq!(world.open_of(&me), 50 * OPEN);
}

#[test]
fn a_posted_settlement_pays_nothing_before_its_activation() {
    let (mut world, market) = funded(1, 100 * OPEN);
    let (a, _, data, review) = earned(&mut world);
    world.pass(EPOCH_SLOTS);
    let args = payout::settlement_args(&world, [&data, &review]);
    market.post(&mut world, &args).unwrap();
    let me = a.pubkey();
    let claim = ix::payout::claim(&me, &me, &world.mint, 0, claim_args(&data, Pool::Contributors, &me));
    refused(world.send(&[claim], &[&a]), PayoutError::BadProof);
}

#[test]
fn proofs_of_others_of_other_amounts_places_and_pools_are_refused() {
    let (mut world, market) = funded(1, 100 * OPEN);
    let (a, b, data, review) = earned(&mut world);
    market.settle(&mut world, [&data, &review]);
    let (good, bs) =
        (claim_args(&data, Pool::Contributors, &a.pubkey()), claim_args(&data, Pool::Contributors, &b.pubkey()));
    let mut longer = good.clone();
    longer.proof.push([0; 32]);
    let mut shorter = good.clone();
    shorter.proof.pop();
    let mut flipped = good.clone();
    flipped.proof[0][0] ^= 1;
    for wrong in [
        ClaimArgs { lifetime: good.lifetime + 1, ..good.clone() },
        ClaimArgs { lifetime: good.lifetime - 1, ..good.clone() },
        ClaimArgs { index: good.index ^ 1, ..good.clone() },
        ClaimArgs { index: u32::MAX, ..good.clone() },
        ClaimArgs { pool: Pool::Validators, ..good.clone() },
        claim_args(&review, Pool::Contributors, &a.pubkey()),
        bs.clone(),
        longer,
        shorter,
        flipped,
    ] {
        let claim = ix::payout::claim(&a.pubkey(), &a.pubkey(), &world.mint, 0, wrong);
        refused(world.send(&[claim], &[&a]), PayoutError::BadProof);
    }
    world.send(&[ix::payout::claim(&a.pubkey(), &a.pubkey(), &world.mint, 0, good)], &[&a]).unwrap();
}

#[test]
fn tokens_go_only_to_the_wallets_own_account_from_the_shards_own_vault() {
    let (mut world, market) = funded(2, 100 * OPEN);
    let (a, thief, data, review) = earned(&mut world);
    market.settle(&mut world, [&data, &review]);
    let me = a.pubkey();
    let good = ix::payout::claim(&thief.pubkey(), &me, &world.mint, 0, claim_args(&data, Pool::Contributors, &me));
    let (own, stolen) = (world.ata(&me), world.ata(&thief.pubkey()));
    // Refused recipients: the thief, another token account of the wallet, and an associated token account that was
    // handed over.
    let second = address("second account");
    world.put_token(second, world.mint, me, 0);
    for token in [stolen, second] {
        refused(world.send(&[swapped(good.clone(), own, token)], &[&thief]), PayoutError::WrongTokenAccount);
    }
    world.put_token(own, world.mint, thief.pubkey(), 0);
    refused(world.send(&[good.clone()], &[&thief]), PayoutError::WrongTokenAccount);
    world.svm.set_account(own, Default::default()).unwrap();
    refused(world.send(&[good.clone()], &[&thief]), PayoutError::WrongTokenAccount);
    world.put_token(own, world.mint, me, 0);
    // Refused: another vault, shard or config.
    let fake = address("fake");
    world.put_token(fake, world.mint, pda::shard(0), OPEN);
    for vault in [pda::vault(1), fake] {
        let wrong = swapped(good.clone(), pda::vault(0), vault);
        refused(world.send(&[wrong], &[&thief]), PayoutError::WrongVault);
    }
    let shard = world.svm.get_account(&pda::shard(0)).unwrap().data;
    world.put_raw(fake, ::model::ID, shard);
    let wrong = swapped(good.clone(), pda::shard(0), fake);
    refused(world.send(&[wrong], &[&thief]), ErrorCode::AccountOwnedByWrongProgram);
    let config = world.svm.get_account(&pda::payout_config()).unwrap().data;
    world.put_raw(fake, ::stake::ID, config);
    let wrong = swapped(good.clone(), pda::payout_config(), fake);
    refused(world.send(&[wrong], &[&thief]), ErrorCode::AccountOwnedByWrongProgram);
    let wrong = swapped(good.clone(), pda::payout_config(), pda::shard(1));
    refused(world.send(&[wrong], &[&thief]), ErrorCode::AccountDiscriminatorMismatch);
    assert_eq!((world.open_of(&me), world.open_of(&thief.pubkey())), (0, 0));
    world.send(&[good], &[&thief]).unwrap();
}

#[test]
fn a_record_is_bound_to_its_wallet() {
    let (mut world, market) = funded(1, 100 * OPEN);
    let (a, b, data, review) = earned(&mut world);
    market.settle(&mut world, [&data, &review]);
    let claim = |world: &World, wallet: &Pubkey| {
        ix::payout::claim(wallet, wallet, &world.mint, 0, claim_args(&data, Pool::Contributors, wallet))
    };
    let (records_a, records_b) = (pda::claim(&a.pubkey()), pda::claim(&b.pubkey()));
    // Refused: a record at another address, before and after the other wallet's record is made.
    let wrong = swapped(claim(&world, &a.pubkey()), records_a, records_b);
    refused(world.send(&[wrong.clone()], &[&a]), PayoutError::WrongClaim);
    world.send(&[claim(&world, &b.pubkey())], &[&b]).unwrap();
    refused(world.send(&[wrong], &[&a]), PayoutError::WrongClaim);
    // Refused: an account of this program that is not a claim record.
    let wrong = swapped(claim(&world, &a.pubkey()), records_a, pda::settlement(1));
    refused(world.send(&[wrong], &[&a]), ErrorCode::AccountDiscriminatorMismatch);
    // Lamports sent to its address before do not block a wallet's first claim, few or many.
    world.svm.airdrop(&records_a, 1).ok();
    let mut dust = world.svm.get_account(&records_a).unwrap_or_default();
    dust.lamports = 1;
    world.svm.set_account(records_a, dust).unwrap();
    world.send(&[claim(&world, &a.pubkey())], &[&a]).unwrap();
    assert_eq!(world.get::<Claim>(&records_a).claimed, [30 * OPEN, 0]);
    let rent = world.svm.minimum_balance_for_rent_exemption(world.svm.get_account(&records_a).unwrap().data.len());
    assert_eq!(world.svm.get_balance(&records_a), Some(rent));
}

#[test]
fn the_circuit_breaker_trips_and_drains() {
    // The contributors' 40 % of 5,000 OPEN is twice the cap.
    let (mut world, market) = funded(1, 5_000 * OPEN);
    let wallet = world.wallet(0);
    let me = wallet.pubkey();
    let data = tree(&[(me, 2 * BREAKER_CAP)]);
    market.settle(&mut world, [&data, &tree(&[])]);
    let claim = ix::payout::claim(&me, &me, &world.mint, 0, claim_args(&data, Pool::Contributors, &me));
    let send = |world: &mut World| world.send(&[claim.clone()], &[&wallet]);
    assert_eq!(send(&mut world).unwrap().event::<Claimed>().paid, BREAKER_CAP);
    refused(send(&mut world), PayoutError::BreakerTripped);
    world.pass(BREAKER_SLOTS / 4);
    assert_eq!(send(&mut world).unwrap().event::<Claimed>().paid, BREAKER_CAP / 4);
    refused(send(&mut world), PayoutError::BreakerTripped);
    world.pass(10 * BREAKER_SLOTS);
    // A long wait frees only one cap. What is left is less than that.
    assert_eq!(send(&mut world).unwrap().event::<Claimed>().paid, BREAKER_CAP - BREAKER_CAP / 4);
    refused(send(&mut world), PayoutError::NothingToClaim);
    assert_eq!(world.open_of(&me), 2 * BREAKER_CAP);
}

#[test]
fn a_claim_larger_than_one_shard_is_paid_by_several() {
    let (mut world, market) = funded(2, 100 * OPEN);
    let wallet = world.wallet(0);
    let me = wallet.pubkey();
    let data = tree(&[(me, 60 * OPEN)]);
    market.settle(&mut world, [&data, &tree(&[])]);
    let claim = |world: &World, shard| {
        ix::payout::claim(&me, &me, &world.mint, shard, claim_args(&data, Pool::Contributors, &me))
    };
    assert_eq!(world.send(&[claim(&world, 0)], &[&wallet]).unwrap().event::<Claimed>().paid, 40 * OPEN);
    refused(world.send(&[claim(&world, 0)], &[&wallet]), PayoutError::ShardExhausted);
    let event = world.send(&[claim(&world, 1)], &[&wallet]).unwrap().event::<Claimed>();
    assert_eq!((event.paid, event.lifetime), (20 * OPEN, 60 * OPEN));
}

#[test]
fn a_root_that_promises_more_than_its_total_cannot_touch_the_other_pool() {
    let (mut world, market) = funded(1, 100 * OPEN);
    let wallet = world.wallet(0);
    let me = wallet.pubkey();
    // The committee lies: the tree holds 1,000 OPEN for validators, but the total says 10.
    let lie = tree(&[(me, 1_000 * OPEN)]);
    world.pass(EPOCH_SLOTS);
    let mut args = payout::settlement_args(&world, [&tree(&[]), &lie]);
    args.pools[1].lifetime_total = 10 * OPEN;
    market.post(&mut world, &args).unwrap();
    world.pass(EPOCH_SLOTS);
    world.send(&[ix::payout::activate_settlement(1)], &[]).unwrap();
    let claim = ix::payout::claim(&me, &me, &world.mint, 0, claim_args(&lie, Pool::Validators, &me));
    assert_eq!(world.send(&[claim.clone()], &[&wallet]).unwrap().event::<Claimed>().paid, 10 * OPEN);
    refused(world.send(&[claim], &[&wallet]), PayoutError::ShardExhausted);
    // The contributors' 40 OPEN are still there.
    assert_eq!(world.balance(&pda::vault(0)), 40 * OPEN);
}
