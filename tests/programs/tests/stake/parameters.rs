//! `set_parameters`, and the version byte of every account.

use ::stake::{
    error::StakeError,
    events::ParametersSet,
    instructions::{Parameters, ProposeCommitteeArgs},
    state::{Config, Position, Role},
};
use anchor_lang::error::ErrorCode;
use openledger_interface::{ix, pda};
use program_tests::{
    Key, OPEN, World, refused,
    stake::{MIN_OPERATOR, MIN_VALIDATOR, UNBOND_SLOTS},
};
use solana_keypair::Signer;
use solana_pubkey::Pubkey;

fn parameters() -> Parameters {
    Parameters {
        min_operator_stake: MIN_OPERATOR,
        min_validator_stake: MIN_VALIDATOR,
        unbond_slots: UNBOND_SLOTS,
        committee_slots: 10,
        equivocation_bps: 100,
        slash_cap_bps: 200,
        slash_window_slots: 300,
        insurance_cap_bps: 400,
        insurance_window_slots: 500,
    }
}

#[test]
fn g1_the_authority_sets_parameters_within_their_bounds() {
    let mut world = World::with_stake(&[]);
    let (authority, thief) = (world.authority.insecure_clone(), world.wallet(0));
    let set = |p: Parameters| ix::stake::set_parameters(&authority.pubkey(), p);
    let event = world.send(&[set(parameters())], &[&authority]).unwrap().event::<ParametersSet>();
    assert_eq!((event.sequence, event.parameters), (1, parameters()));
    let config = world.get::<Config>(&pda::stake_config());
    assert_eq!((config.committee_slots, config.equivocation_bps, config.slash_cap_bps), (10, 100, 200));
    assert_eq!((config.slash_window_slots, config.insurance_cap_bps, config.insurance_window_slots), (300, 400, 500));
    refused(
        world.send(&[ix::stake::set_parameters(&thief.pubkey(), parameters())], &[&thief]),
        StakeError::NotAuthority,
    );
    let none = Parameters { min_operator_stake: 0, ..parameters() };
    refused(world.send(&[set(none)], &[&authority]), StakeError::ParameterOutOfBounds);
    let shorter = Parameters { unbond_slots: UNBOND_SLOTS - 1, ..parameters() };
    refused(world.send(&[set(shorter)], &[&authority]), StakeError::UnbondingShortened);
}

#[test]
fn a_longer_cooldown_is_for_later_requests_and_a_higher_minimum_for_later_seats() {
    let mut world = World::with_stake(&[]);
    let authority = world.authority.insecure_clone();
    let committee = world.committee(2);
    let wallet = world.wallet(10 * OPEN);
    let owner = wallet.pubkey();
    world.send(&[ix::stake::deposit(&owner, &world.mint, Role::Validator, 4 * OPEN)], &[&wallet]).unwrap();
    world.send(&[ix::stake::request_unbond(&owner, 1, Role::Validator, OPEN)], &[&wallet]).unwrap();
    let raised = Parameters { unbond_slots: 10 * UNBOND_SLOTS, min_operator_stake: 2 * MIN_OPERATOR, ..parameters() };
    world.send(&[ix::stake::set_parameters(&authority.pubkey(), raised)], &[&authority]).unwrap();
    world.pass(UNBOND_SLOTS);
    world.send(&[ix::stake::withdraw(&owner, &world.mint, Role::Validator)], &[&wallet]).unwrap();
    // Members that had enough stake when they were seated stay members (A3) and can attest.
    let member = committee.members[0].wallet.pubkey();
    world.slash(&committee, &member, Role::Operator, 1).unwrap();
    let propose = ix::stake::propose_committee(
        &authority.pubkey(),
        1,
        ProposeCommitteeArgs { threshold: 1, size: 1, members: vec![member] },
    );
    refused(world.send(&[propose], &[&authority]), StakeError::BelowMinimum);
}

#[test]
fn a_position_is_topped_up_by_depositing_again() {
    let mut world = World::with_stake(&[]);
    let wallet = world.wallet(MIN_OPERATOR);
    let owner = wallet.pubkey();
    for part in [MIN_OPERATOR - 1, 1] {
        world.send(&[ix::stake::deposit(&owner, &world.mint, Role::Operator, part)], &[&wallet]).unwrap();
    }
    let position = world.get::<Position>(&pda::position(&owner, Role::Operator));
    assert_eq!((position.amount, position.sequence), (MIN_OPERATOR, 2));
}

/// Sets the version byte of an account.
fn set_version(world: &mut World, address: Pubkey, version: u8) {
    let mut account = world.svm.get_account(&address).unwrap();
    account.data[8] = version;
    world.svm.set_account(address, account).unwrap();
}

#[test]
fn an_account_of_an_unknown_version_is_refused_by_every_instruction_that_reads_it() {
    let mut world = World::with_stake(&[]);
    let committee = world.committee(1);
    let member = &committee.members[0];
    let owner = member.wallet.pubkey();
    let delegator: Key = world.wallet(10 * OPEN);
    world.send(&[ix::stake::open_pool(&owner, &world.mint, 0)], &[&member.wallet]).unwrap();
    let delegate = ix::stake::delegate(&delegator.pubkey(), &world.mint, &owner, OPEN);
    world.send(&[delegate.clone()], &[&delegator]).unwrap();
    let (position, entry) = (pda::position(&owner, Role::Operator), pda::operator(&owner));
    let authority = world.authority.insecure_clone();
    let set = ix::stake::set_parameters(&authority.pubkey(), parameters());
    let deposit = ix::stake::deposit(&owner, &world.mint, Role::Operator, 1);
    let update = ix::stake::update_operator(&owner, "http://a".into(), 7);
    for (address, instruction, signer) in [
        (pda::stake_config(), &set, &authority),
        (position, &deposit, &member.wallet),
        (entry, &update, &member.wallet),
        (pda::stake_pool(&owner), &delegate, &delegator),
        (pda::delegation(&owner, &delegator.pubkey()), &delegate, &delegator),
    ] {
        for unknown in [2, u8::MAX] {
            set_version(&mut world, address, unknown);
            refused(world.send(&[instruction.clone()], &[signer]), ErrorCode::AccountDidNotDeserialize);
        }
        set_version(&mut world, address, 1);
        world.send(&[instruction.clone()], &[signer]).unwrap();
    }
    // A committee, which is read in place.
    set_version(&mut world, pda::committee(1), 2);
    refused(world.slash(&committee, &owner, Role::Operator, 1), ::stake::error::SharedError::NotACommittee);
    set_version(&mut world, pda::committee(1), 1);
    world.slash(&committee, &owner, Role::Operator, 1).unwrap();
}
