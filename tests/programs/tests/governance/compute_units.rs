//! The cost of locking, voting and executing.

use ::governance::state::Choice;
use ::stake::vote_lock::MIN_LOCK_SLOTS;
use openledger_interface::{ix, pda};
use program_tests::{OPEN, World, governance::PARAMETERS, payout};
use solana_keypair::Signer;

/// The search for an address takes a few tries of 1,500 CU each. The bounds hold for the wallets of these tests and
/// leave room for some more tries.
#[test]
fn a_vote_and_an_execution_are_cheap() {
    let (mut world, assembly) = World::under_governance();
    let wallet = world.wallet(100 * OPEN);
    let end = world.slot() + MIN_LOCK_SLOTS;
    let mut costs = vec![];
    for (name, most, call) in [
        ("lock_votes", 45_000, ix::stake::lock_votes(&wallet.pubkey(), &world.mint, OPEN, end)),
        ("add_to_lock", 30_000, ix::stake::add_to_lock(&wallet.pubkey(), &world.mint, OPEN)),
        ("extend_lock", 18_000, ix::stake::extend_lock(&wallet.pubkey(), end + 5)),
        ("delegate_votes", 15_000, ix::stake::delegate_votes(&wallet.pubkey(), &wallet.pubkey())),
    ] {
        costs.push((name, most, world.send(&[call], &[&wallet]).unwrap().units));
    }
    let call = ix::payout::set_fees(&pda::governance_authority(), payout::FEES);
    let proposal = assembly.open(&mut world, &[call.clone()]);
    let vote = assembly.vote(&mut world, 2, proposal, Choice::For).unwrap();
    costs.push(("cast_vote", 35_000, vote.units));
    world.pass(PARAMETERS.voting_slots);
    costs.push(("queue", 15_000, world.send(&[ix::governance::queue(&proposal)], &[]).unwrap().units));
    world.pass(PARAMETERS.timelock_slots);
    let direct = world.send(&[ix::governance::execute_instruction(&proposal, 0, &call)], &[]).unwrap().units;
    costs.push(("execute_instruction of set_fees", 50_000, direct));
    for (name, most, units) in costs {
        println!("{name}: {units} CU");
        assert!(units <= most, "{name} costs {units} CU");
    }
}
