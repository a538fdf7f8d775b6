//! The circuit breaker lets out as much as a naive bucket that leaks slot by slot. In any span of slots it lets out at
//! most its cap plus what leaks in that span.

use crate::{naive::Bucket, runner};
use ::payout::{error::PayoutError, events::Claimed, state::Pool};
use openledger_interface::ix;
use openledger_protocol::rewards::RewardTree;
use program_tests::{
    Key, OPEN, World,
    payout::{BREAKER_CAP, BREAKER_SLOTS, Market, claim_args, tree},
    refused,
};
use proptest::{collection::vec, prelude::*};
use solana_keypair::Signer;

/// A claimant that has earned far more than the breaker lets out at once, and others with smaller amounts.
fn ready() -> (World, Market, Vec<Key>, RewardTree) {
    let (mut world, market) = World::with_market(1, 1);
    let payer = world.wallet(40_000 * OPEN);
    world.send(&[market.pay(&world, &payer.pubkey(), 0, [1; 32], 40_000 * OPEN)], &[&payer]).expect("pays");
    let wallets: Vec<Key> = (0..8).map(|_| world.wallet(0)).collect();
    let earned: Vec<_> =
        wallets.iter().zip(0u32..).map(|(w, n)| (w.pubkey(), 3 * BREAKER_CAP / 4u64.pow(n) + 7)).collect();
    let data = tree(&earned);
    market.settle(&mut world, [&data, &tree(&[])]);
    (world, market, wallets, data)
}

#[test]
fn outflow_is_that_of_a_bucket_that_leaks_slot_by_slot() {
    let (start, _, wallets, data) = ready();
    let steps = vec((0..8usize, 0..BREAKER_SLOTS / 2), 1..25);
    runner(16)
        .run(&steps, |steps| {
            let mut world = start.clone();
            let mut bucket = Bucket::new(BREAKER_CAP, BREAKER_SLOTS, world.slot());
            let mut paid: Vec<(u64, u64)> = vec![];
            let mut claims = 0;
            for (who, wait) in steps {
                world.pass(wait);
                bucket.pass_to(world.slot());
                let (wallet, me) = (&wallets[who], wallets[who].pubkey());
                let args = claim_args(&data, Pool::Contributors, &me);
                let due = args.lifetime - world.open_of(&me);
                let claim = ix::payout::claim(&me, &me, &world.mint, 0, args);
                let result = world.send(&[claim], &[wallet]);
                let room = bucket.room();
                if due == 0 {
                    refused(result, PayoutError::NothingToClaim);
                    continue;
                }
                let Ok(sent) = result else {
                    // The program rounds once for each claim, against the claimant, by less than one unit.
                    prop_assert!(room <= claims, "refused with room for {room} after {claims} claims");
                    continue;
                };
                let out = sent.event::<Claimed>().paid;
                let expected = due.min(room);
                prop_assert!(out <= expected && out + claims >= expected, "{out} paid, {expected} by the model");
                bucket.pour(out);
                claims += 1;
                paid.push((world.slot(), out));
            }
            // The bound itself: in any t slots at most cap · (1 + t / window).
            for (i, (first, _)) in paid.iter().enumerate() {
                let mut sum = 0u128;
                for (slot, out) in &paid[i..] {
                    sum += u128::from(*out);
                    let span = u128::from(slot - first);
                    let most = u128::from(BREAKER_CAP) * (u128::from(BREAKER_SLOTS) + span) / u128::from(BREAKER_SLOTS);
                    prop_assert!(sum <= most, "{sum} left in {span} slots");
                }
            }
            Ok(())
        })
        .unwrap();
}
