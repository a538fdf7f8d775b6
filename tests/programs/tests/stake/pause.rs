//! `pause`, which G1 bounds: deposits, payments and new locks are refused for a time that ends by itself.

use ::stake::{
    error::{SharedError, StakeError},
    events::Paused,
    state::{Config, Delegation, Role},
    vote_lock::MIN_LOCK_SLOTS,
};
use openledger_interface::{ix, pda};
use program_tests::{OPEN, World, refused, stake::UNBOND_SLOTS};
use solana_keypair::Signer;

#[test]
fn while_paused_no_token_moves_and_afterwards_all_do() {
    let mut world = World::with_stake(&[]);
    let (authority, wallet) = (world.authority.insecure_clone(), world.wallet(100 * OPEN));
    let (other, owner) = (world.wallet(100 * OPEN), wallet.pubkey());
    let end = world.slot() + MIN_LOCK_SLOTS;
    world
        .send(
            &[
                ix::stake::deposit(&owner, &world.mint, Role::Validator, 10 * OPEN),
                ix::stake::request_unbond(&owner, 0, Role::Validator, OPEN),
                ix::stake::lock_votes(&owner, &world.mint, 10 * OPEN, end),
            ],
            &[&wallet],
        )
        .unwrap();
    world.pass(MIN_LOCK_SLOTS.max(UNBOND_SLOTS) - 10);
    let until = world.slot() + 50;
    let event = world.send(&[ix::stake::pause(&authority.pubkey(), until)], &[&authority]).unwrap().event::<Paused>();
    assert_eq!((event.config, event.sequence, event.paused_until), (pda::stake_config(), 1, until));
    assert_eq!(world.get::<Config>(&pda::stake_config()).paused_until, until);
    let moves = |world: &World| {
        [
            (ix::stake::add_to_lock(&owner, &world.mint, OPEN), vec![&wallet]),
            (ix::stake::deposit(&owner, &world.mint, Role::Validator, OPEN), vec![&wallet]),
            (ix::stake::withdraw(&owner, &world.mint, Role::Validator), vec![&wallet]),
            (ix::stake::lock_votes(&other.pubkey(), &world.mint, OPEN, end + 2 * MIN_LOCK_SLOTS), vec![&other]),
            (ix::stake::unlock_votes(&owner, &world.mint), vec![]),
        ]
    };
    for (call, signers) in moves(&world) {
        refused(world.send(&[call], &signers), SharedError::Paused);
    }
    world.pass(49);
    for (call, signers) in moves(&world) {
        refused(world.send(&[call], &signers), SharedError::Paused);
    }
    // In the first slot after the pause everything works again. The lock has ended by now, so nothing can be added to
    // it.
    world.pass(1);
    for (call, signers) in moves(&world).into_iter().skip(1) {
        world.send(&[call], &signers).unwrap();
    }
}

#[test]
fn only_the_authority_pauses_for_a_week_at_most_and_may_end_it() {
    let mut world = World::with_stake(&[]);
    let (authority, thief) = (world.authority.insecure_clone(), world.wallet(OPEN));
    let me = authority.pubkey();
    refused(world.send(&[ix::stake::pause(&thief.pubkey(), 2_000)], &[&thief]), StakeError::NotAuthority);
    let longest = world.slot() + openledger_shared::MAX_PAUSE_SLOTS;
    for until in [longest + 1, u64::MAX] {
        refused(world.send(&[ix::stake::pause(&me, until)], &[&authority]), SharedError::PauseTooLong);
    }
    world.send(&[ix::stake::pause(&me, longest)], &[&authority]).unwrap();
    let deposit = ix::stake::deposit(&thief.pubkey(), &world.mint, Role::Validator, OPEN);
    refused(world.send(&[deposit.clone()], &[&thief]), SharedError::Paused);
    world.send(&[ix::stake::pause(&me, 0)], &[&authority]).unwrap();
    world.send(&[deposit], &[&thief]).unwrap();
}

#[test]
fn while_paused_neither_delegations_nor_rewards_nor_the_insurance_vault_move() {
    let mut world = World::with_stake(&[]);
    let authority = world.authority.insecure_clone();
    let committee = world.committee(1);
    let operator = committee.members[0].wallet.pubkey();
    let wallet = world.wallet(100 * OPEN);
    let owner = wallet.pubkey();
    world.send(&[ix::stake::open_pool(&operator, &world.mint, 1_000)], &[&committee.members[0].wallet]).unwrap();
    world.send(&[ix::stake::delegate(&owner, &world.mint, &operator, 20 * OPEN)], &[&wallet]).unwrap();
    let shares = world.get::<Delegation>(&pda::delegation(&operator, &owner)).shares;
    world.send(&[ix::stake::undelegate(&owner, &operator, shares / 2)], &[&wallet]).unwrap();
    let (rewards, mint) = (pda::reward_vault(&operator), world.mint);
    world.put_token(rewards, mint, pda::stake_pool(&operator), 10 * OPEN);
    world.put_token(pda::insurance_vault(), mint, pda::stake_config(), 100 * OPEN);
    world.pass(UNBOND_SLOTS);
    let until = world.slot() + 50;
    world.send(&[ix::stake::pause(&authority.pubkey(), until)], &[&authority]).unwrap();
    let to = world.ata(&owner);
    let moves = |world: &World| {
        [
            (ix::stake::delegate(&owner, &world.mint, &operator, OPEN), vec![&wallet]),
            (ix::stake::withdraw_delegation(&owner, &world.mint, &operator), vec![&wallet]),
            (ix::stake::claim_delegation_rewards(&owner, &world.mint, &operator), vec![&wallet]),
            (ix::stake::harvest(&world.mint, &operator), vec![]),
            (ix::stake::pay_insurance(&authority.pubkey(), &to, 1), vec![&authority]),
        ]
    };
    for (call, signers) in moves(&world) {
        refused(world.send(&[call], &signers), SharedError::Paused);
    }
    world.pass(50);
    for (call, signers) in moves(&world) {
        world.send(&[call], &signers).unwrap();
    }
}
