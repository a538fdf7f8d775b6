//! Compute budgets of frequent instructions: claims with proofs among a million wallets, payments, and attested
//! instructions, whose cost must not grow with the committee.

use ::payout::instructions::ClaimArgs;
use openledger_interface::ix;
use program_tests::{
    OPEN, World,
    payout::{self, Market, settlement_args, tree},
};
use solana_keypair::Signer;
use solana_pubkey::Pubkey;

/// Activates a root over a million wallets in which `wallet` has earned `lifetime`.
fn settle(world: &mut World, market: &Market, wallet: &Pubkey, lifetime: u64) -> ClaimArgs {
    let (claim, root) = payout::among_a_million(wallet, lifetime);
    world.pass(payout::EPOCH_SLOTS);
    let empty = tree(&[]);
    let mut args = settlement_args(world, [&empty, &empty]);
    args.pools[0] = root;
    market.post(world, &args).unwrap();
    world.pass(payout::CHALLENGE_SLOTS);
    world.send(&[ix::payout::activate_settlement(args.epoch)], &[]).unwrap();
    claim
}

#[test]
fn claims_stay_within_their_budget_among_a_million_wallets() {
    let (mut world, market) = World::with_market(1, 1);
    let payer = world.wallet(1_000 * OPEN);
    world.send(&[market.pay(&world, &payer.pubkey(), 0, [1; 32], 1_000 * OPEN)], &[&payer]).unwrap();
    let mut lifetime = 0;
    let (mut firsts, mut nexts) = (vec![], vec![]);
    for _ in 0..8 {
        let wallet = world.wallet(0);
        let me = wallet.pubkey();
        for costs in [&mut firsts, &mut nexts] {
            lifetime += OPEN;
            let args = settle(&mut world, &market, &me, lifetime);
            let claim = ix::payout::claim(&me, &me, &world.mint, 0, args);
            costs.push(world.send(&[claim], &[&wallet]).unwrap().units);
        }
    }
    firsts.sort_unstable();
    nexts.sort_unstable();
    println!("claim among a million, first: {firsts:?}");
    println!("claim among a million, later: {nexts:?}");
    assert!(*nexts.last().unwrap() <= 18_000, "a later claim costs at most 18,000 CU: {nexts:?}");
    // A first claim searches for two addresses, at 1,500 CU a try. The budget holds for the median wallet.
    assert!(firsts[firsts.len() / 2] <= 30_000, "a first claim costs at most 30,000 CU: {firsts:?}");
}

#[test]
fn an_attested_settlement_costs_the_same_for_a_large_committee() {
    let mut costs = vec![];
    for members in [1, 100] {
        let (mut world, market) = World::with_market(4, members);
        world.pass(payout::EPOCH_SLOTS);
        let empty = tree(&[]);
        let args = settlement_args(&world, [&empty, &empty]);
        costs.push(market.post(&mut world, &args).unwrap().units);
    }
    println!("post_settlement with 1 and with 100 members: {costs:?}");
    assert_eq!(costs[0], costs[1]);
    assert!(costs[0] <= 20_000, "an attested instruction costs at most 20,000 CU: {costs:?}");
}

#[test]
fn a_payment_fits_many_times_into_a_transaction() {
    let mut costs = vec![];
    for members in [1, 100] {
        let (mut world, market) = World::with_market(1, members);
        let payer = world.wallet(10 * OPEN);
        let pay = market.pay(&world, &payer.pubkey(), 0, [1; 32], OPEN);
        costs.push(world.send(&[pay], &[&payer]).unwrap().units);
    }
    println!("pay with 1 and with 100 members: {costs:?}");
    assert!(costs.iter().all(|c| *c <= 20_000), "{costs:?}");
}

/// A debit includes a payment and an attestation, and must still fit the budget of attested instructions.
#[test]
fn a_debit_fits_its_budget_and_a_transaction() {
    let mut costs = vec![];
    for members in [1, 100] {
        let (mut world, market) = World::with_market(1, members);
        let owner = world.wallet(10 * OPEN);
        let me = owner.pubkey();
        world.send(&[ix::payout::deposit_balance(&me, &world.mint, 10 * OPEN)], &[&owner]).unwrap();
        costs.push(market.send_debit(&mut world, &me, 0, OPEN).unwrap().units);
        let args = market.debit_args(&world, 2 * OPEN);
        let both = [market.metered(&world, &me, &args), market.debit(&world, &me, 0, args)];
        let message = solana_message::Message::new(&both, Some(&me));
        let size = bincode::serialize(&message).unwrap().len() + 1 + 64;
        println!("debit_balance in a transaction of {size} bytes");
        assert!(size <= 1_232, "{size} bytes do not fit in a transaction");
    }
    println!("debit_balance with 1 and with 100 members: {costs:?}");
    assert_eq!(costs[0], costs[1]);
    assert!(costs[0] <= 20_000, "an attested instruction costs at most 20,000 CU: {costs:?}");
}
