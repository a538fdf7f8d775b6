//! Budgets: an attested instruction costs at most 20,000 CU besides the precompile, whatever the committee's size.

use ::stake::{
    instructions::{ProposeNextCommitteeArgs, ProveEquivocationArgs},
    roster::roster,
    state::Role,
};
use openledger_interface::{attestation, ix, pda};
use program_tests::{
    OPEN, World, attest,
    stake::{MIN_OPERATOR, evidence, observation},
};
use solana_keypair::Signer;

#[test]
fn attested_instructions_stay_within_their_budget_for_a_large_committee() {
    for members in [1, 100] {
        let mut world = World::with_stake(&[]);
        let committee = world.committee(members);
        let operator = &committee.members[members - 1];
        let owner = operator.wallet.pubkey();
        let alone = world.slash(&committee, &owner, Role::Operator, 100).unwrap().units;
        world.send(&[ix::stake::open_pool(&owner, &world.mint, 0)], &[&operator.wallet]).unwrap();
        let wallet = world.wallet(10 * OPEN);
        // It deposits what was slashed, so that it can take delegations again.
        let top_up = ix::stake::deposit(&owner, &world.mint, Role::Operator, MIN_OPERATOR);
        let delegate = ix::stake::delegate(&wallet.pubkey(), &world.mint, &owner, OPEN);
        world.send(&[top_up, delegate], &[&operator.wallet, &wallet]).unwrap();
        let pooled = world.slash(&committee, &owner, Role::Operator, 100).unwrap().units;

        let next = [owner];
        let args = ProposeNextCommitteeArgs { threshold: 1, size: 1, roster: roster(&next), expiry_slot: world.slot() };
        let message = attestation::next_committee(&world.get(&pda::stake_config()), &args);
        let before = attest::signed(&committee.key, &message);
        let main = ix::stake::propose_next_committee(&wallet.pubkey(), committee.epoch, args);
        let proposed = world.send(&[before, main], &[&wallet]).unwrap().units;
        println!("{members} members: slash_attested {alone}, with a pool {pooled}, propose_next_committee {proposed}");
        assert!(alone <= 20_000 && pooled <= 20_000 && proposed <= 20_000, "{alone} {pooled} {proposed}");

        let args = ProveEquivocationArgs { epoch: committee.epoch, subject: [8; 32], sequence: 3 };
        let [a, b] = [[1; 32], [2; 32]].map(|c| observation(&world, operator, &args, c));
        let before = evidence(&operator.identity, [&a, &b]);
        let main =
            ix::stake::prove_equivocation(&wallet.pubkey(), &world.get(&pda::position(&owner, Role::Operator)), args);
        let proven = world.send(&[before, main], &[&wallet]).unwrap().units;
        println!("{members} members: prove_equivocation {proven}");
        assert!(proven <= 60_000, "{proven}");
    }
}
