//! `propose_committee`, `add_members`, `confirm_committee`, `abandon_committee`, and the restrictions of membership.

use ::stake::{
    error::{SharedError, StakeError},
    events::{CommitteeAbandoned, CommitteeConfirmed, CommitteeProposed},
    instructions::ProposeCommitteeArgs,
    state::{Committee, CommitteeStatus, Config, MAX_MEMBERS, Role},
};
use anchor_lang::error::ErrorCode;
use openledger_interface::{ix, pda};
use program_tests::{
    OPEN, World, refused,
    stake::{MIN_OPERATOR, Operator},
    swapped,
    tx::refused_with,
};
use solana_keypair::Signer;
use solana_pubkey::Pubkey;

const KEY: [u8; 32] = [5; 32];

/// A world with `n` operators that are no committee yet.
fn operators(n: usize) -> (World, Vec<Operator>, Vec<Pubkey>) {
    let mut world = World::with_stake(&[]);
    let operators: Vec<Operator> = (0..n).map(|_| world.operator()).collect();
    let wallets = operators.iter().map(|o| o.wallet.pubkey()).collect();
    (world, operators, wallets)
}

fn status(world: &World, epoch: u64) -> CommitteeStatus {
    world.get::<Committee>(&pda::committee(epoch)).status
}

#[test]
fn a_committee_is_active_when_every_member_confirmed_the_same_key() {
    let (mut world, operators, wallets) = operators(3);
    let authority = world.authority.insecure_clone();
    let propose = ix::stake::propose_committee(
        &authority.pubkey(),
        0,
        ProposeCommitteeArgs { threshold: 2, size: 3, members: wallets[..2].to_vec() },
    );
    let event = world.send(&[propose], &[&authority]).unwrap().event::<CommitteeProposed>();
    assert_eq!((event.sequence, event.epoch, event.members.as_slice()), (0, 1, &wallets[..2]));
    assert_eq!(status(&world, 1), CommitteeStatus::Forming);
    let early = ix::stake::confirm_committee(&wallets[0], 0, KEY);
    refused(world.send(&[early], &[&operators[0].wallet]), StakeError::NotConfirming);
    world.send(&[ix::stake::add_members(&authority.pubkey(), 0, &wallets[2..])], &[&authority]).unwrap();
    assert_eq!(status(&world, 1), CommitteeStatus::Confirming);
    for (i, operator) in operators.iter().enumerate() {
        assert_eq!(world.get::<Config>(&pda::stake_config()).committee_epoch, 0);
        let confirm = ix::stake::confirm_committee(&wallets[i], 0, KEY);
        let event = world.send(&[confirm], &[&operator.wallet]).unwrap().event::<CommitteeConfirmed>();
        assert_eq!((event.member, event.active), (wallets[i], i == 2));
    }
    let committee = world.get::<Committee>(&pda::committee(1));
    assert_eq!((committee.status, committee.group_key, committee.threshold), (CommitteeStatus::Active, KEY, 2));
    assert_eq!((committee.active_slot, committee.sequence), (world.slot(), 5));
    assert_eq!(world.get::<Config>(&pda::stake_config()).committee_epoch, 1);
}

#[test]
fn the_next_committee_retires_the_present_one_and_not_before_its_last_confirmation() {
    let mut world = World::with_stake(&[]);
    let first = world.committee(3);
    let (a, b) = (world.operator(), world.operator());
    let authority = world.authority.insecure_clone();
    let wallets = [a.wallet.pubkey(), b.wallet.pubkey()];
    world
        .send(
            &[ix::stake::propose_committee(
                &authority.pubkey(),
                1,
                ProposeCommitteeArgs { threshold: 2, size: 2, members: wallets.to_vec() },
            )],
            &[&authority],
        )
        .unwrap();
    world.send(&[ix::stake::confirm_committee(&wallets[0], 1, KEY)], &[&a.wallet]).unwrap();
    assert_eq!((status(&world, 1), status(&world, 2)), (CommitteeStatus::Active, CommitteeStatus::Confirming));
    // Refused: without the account of the committee that retires.
    let last = ix::stake::confirm_committee(&wallets[1], 1, KEY);
    let without = swapped(last.clone(), pda::committee(1), ::stake::ID);
    refused(world.send(&[without], &[&b.wallet]), StakeError::PreviousMissing);
    world.send(&[last], &[&b.wallet]).unwrap();
    assert_eq!((status(&world, 1), status(&world, 2)), (CommitteeStatus::Retired, CommitteeStatus::Active));
    assert_eq!(world.get::<Config>(&pda::stake_config()).committee_epoch, 2);
    // Members of the retired committee are free to leave, those of the active one are not.
    let leave = |wallet: &Pubkey| ix::stake::request_unbond(wallet, 2, Role::Operator, MIN_OPERATOR);
    world.send(&[leave(&first.members[0].wallet.pubkey())], &[&first.members[0].wallet]).unwrap();
    refused(world.send(&[leave(&wallets[0])], &[&a.wallet]), StakeError::MemberBelowMinimum);
}

#[test]
fn confirmations_that_do_not_count() {
    let (mut world, operators, wallets) = operators(3);
    let authority = world.authority.insecure_clone();
    world
        .send(
            &[ix::stake::propose_committee(
                &authority.pubkey(),
                0,
                ProposeCommitteeArgs { threshold: 2, size: 2, members: wallets[..2].to_vec() },
            )],
            &[&authority],
        )
        .unwrap();
    let confirm = |who: usize, key| ix::stake::confirm_committee(&wallets[who], 0, key);
    refused(world.send(&[confirm(0, [0; 32])], &[&operators[0].wallet]), StakeError::ZeroGroupKey);
    world.send(&[confirm(0, KEY)], &[&operators[0].wallet]).unwrap();
    refused(world.send(&[confirm(0, KEY)], &[&operators[0].wallet]), StakeError::AlreadyConfirmed);
    refused(world.send(&[confirm(0, [6; 32])], &[&operators[0].wallet]), StakeError::AlreadyConfirmed);
    refused(world.send(&[confirm(1, [6; 32])], &[&operators[1].wallet]), StakeError::GroupKeyDiffers);
    refused(world.send(&[confirm(2, KEY)], &[&operators[2].wallet]), StakeError::NotMember);
    // Refused: a confirmation for somebody else without its signature.
    let mut forged = confirm(1, KEY);
    forged.accounts[0].is_signer = false;
    refused(world.send(&[forged], &[]), ErrorCode::AccountNotSigner);
    assert_eq!(status(&world, 1), CommitteeStatus::Confirming);
    world.send(&[confirm(1, KEY)], &[&operators[1].wallet]).unwrap();
    // After activation the address of the next committee is another one.
    refused(world.send(&[confirm(1, KEY)], &[&operators[1].wallet]), ErrorCode::ConstraintSeeds);
}

#[test]
fn thresholds_sizes_and_member_counts_have_limits() {
    let (mut world, _, wallets) = operators(3);
    let authority = world.authority.insecure_clone();
    let me = authority.pubkey();
    for (threshold, size, error) in [
        (0, 0, StakeError::BadSize),
        (60, MAX_MEMBERS as u16 + 1, StakeError::BadSize),
        (1, u16::MAX, StakeError::BadSize),
        (1, 2, StakeError::BadThreshold),
        (1, 3, StakeError::BadThreshold),
        (4, 3, StakeError::BadThreshold),
        (2, 2, StakeError::BadMemberCount),
    ] {
        let propose =
            ix::stake::propose_committee(&me, 0, ProposeCommitteeArgs { threshold, size, members: wallets.to_vec() });
        refused(world.send(&[propose], &[&authority]), error);
    }
    refused(
        world.send(
            &[ix::stake::propose_committee(&me, 0, ProposeCommitteeArgs { threshold: 2, size: 3, members: vec![] })],
            &[&authority],
        ),
        StakeError::BadMemberCount,
    );
    world
        .send(
            &[ix::stake::propose_committee(
                &me,
                0,
                ProposeCommitteeArgs { threshold: 2, size: 3, members: wallets[..2].to_vec() },
            )],
            &[&authority],
        )
        .unwrap();
    let again = ix::stake::add_members(&me, 0, &wallets[1..2]);
    refused(world.send(&[again], &[&authority]), StakeError::DuplicateMember);
    world.send(&[ix::stake::add_members(&me, 0, &wallets[2..])], &[&authority]).unwrap();
    let more = ix::stake::add_members(&me, 0, &wallets[..1]);
    refused(world.send(&[more], &[&authority]), StakeError::NotForming);
}

#[test]
fn a_hundred_members_can_form_a_committee() {
    let mut world = World::with_stake(&[]);
    let committee = world.committee(MAX_MEMBERS);
    let state = world.get::<Committee>(&pda::committee(committee.epoch));
    assert_eq!((state.status, state.members.len()), (CommitteeStatus::Active, MAX_MEMBERS));
}

#[test]
fn members_are_operators_with_stake_and_each_has_one_place() {
    let (mut world, operators, wallets) = operators(3);
    let authority = world.authority.insecure_clone();
    let me = authority.pubkey();
    let twice = [wallets[0], wallets[0]];
    refused(
        world.send(
            &[ix::stake::propose_committee(
                &me,
                0,
                ProposeCommitteeArgs { threshold: 2, size: 3, members: twice.to_vec() },
            )],
            &[&authority],
        ),
        StakeError::DuplicateMember,
    );
    let propose = ix::stake::propose_committee(
        &me,
        0,
        ProposeCommitteeArgs { threshold: 2, size: 3, members: wallets[..2].to_vec() },
    );
    // Refused: somebody else's operator account or position, the wrong kind of account, a missing account.
    for (from, to) in [
        (pda::operator(&wallets[1]), pda::operator(&wallets[2])),
        (pda::position(&wallets[1], Role::Operator), pda::position(&wallets[2], Role::Operator)),
        (pda::operator(&wallets[1]), pda::position(&wallets[1], Role::Operator)),
    ] {
        refused(world.send(&[swapped(propose.clone(), from, to)], &[&authority]), StakeError::WrongMemberAccounts);
    }
    let mut short = propose.clone();
    short.accounts.pop();
    refused(world.send(&[short], &[&authority]), StakeError::WrongMemberAccounts);
    // A validator's position with the same owner.
    world
        .send(&[ix::stake::deposit(&wallets[1], &world.mint, Role::Validator, OPEN)], &[&operators[1].wallet])
        .unwrap();
    let role = swapped(
        propose.clone(),
        pda::position(&wallets[1], Role::Operator),
        pda::position(&wallets[1], Role::Validator),
    );
    refused(world.send(&[role], &[&authority]), StakeError::WrongMemberAccounts);
    // Refused: an operator that has unbonded since it registered.
    world.send(&[ix::stake::request_unbond(&wallets[1], 0, Role::Operator, 1)], &[&operators[1].wallet]).unwrap();
    refused(world.send(&[propose], &[&authority]), StakeError::BelowMinimum);
}

#[test]
fn only_the_authority_proposes_adds_and_abandons_and_only_the_next_epoch() {
    let (mut world, operators, wallets) = operators(2);
    let authority = world.authority.insecure_clone();
    let thief = &operators[0].wallet;
    let propose = |who: &Pubkey, committee_epoch| {
        let args = ProposeCommitteeArgs { threshold: 2, size: 2, members: wallets[..1].to_vec() };
        ix::stake::propose_committee(who, committee_epoch, args)
    };
    refused(world.send(&[propose(&thief.pubkey(), 0)], &[thief]), StakeError::NotAuthority);
    refused(world.send(&[propose(&authority.pubkey(), 1)], &[&authority]), ErrorCode::ConstraintSeeds);
    world.send(&[propose(&authority.pubkey(), 0)], &[&authority]).unwrap();
    refused_with(world.send(&[propose(&authority.pubkey(), 0)], &[&authority]), "already in use");
    let add = ix::stake::add_members(&thief.pubkey(), 0, &wallets[1..]);
    refused(world.send(&[add], &[thief]), StakeError::NotAuthority);
    refused(
        world.send(&[ix::stake::abandon_committee(&thief.pubkey(), 0, &thief.pubkey())], &[thief]),
        StakeError::NotAuthority,
    );
}

#[test]
fn an_abandoned_committee_frees_its_members_and_its_successor_goes_on_counting_events() {
    let (mut world, operators, wallets) = operators(2);
    let authority = world.authority.insecure_clone();
    let me = authority.pubkey();
    world
        .send(
            &[ix::stake::propose_committee(
                &me,
                0,
                ProposeCommitteeArgs { threshold: 2, size: 2, members: wallets.to_vec() },
            )],
            &[&authority],
        )
        .unwrap();
    world.send(&[ix::stake::confirm_committee(&wallets[0], 0, KEY)], &[&operators[0].wallet]).unwrap();
    let leave = ix::stake::request_unbond(&wallets[0], 0, Role::Operator, 1);
    refused(world.send(&[leave.clone()], &[&operators[0].wallet]), StakeError::MemberBelowMinimum);
    let event =
        world.send(&[ix::stake::abandon_committee(&me, 0, &me)], &[&authority]).unwrap().event::<CommitteeAbandoned>();
    assert_eq!((event.sequence, event.epoch), (2, 1));
    assert!(world.find::<Committee>(&pda::committee(1)).is_none());
    let propose = ix::stake::propose_committee(
        &me,
        0,
        ProposeCommitteeArgs { threshold: 1, size: 1, members: wallets[1..].to_vec() },
    );
    let event = world.send(&[propose], &[&authority]).unwrap().event::<CommitteeProposed>();
    assert_eq!(event.sequence, 3);
    world.send(&[leave], &[&operators[0].wallet]).unwrap();
    // The abandoned committee's confirmations are gone. Another key may be confirmed, and the committee can become
    // active.
    world.send(&[ix::stake::confirm_committee(&wallets[1], 0, [6; 32])], &[&operators[1].wallet]).unwrap();
    assert_eq!(world.get::<Config>(&pda::stake_config()).committee_epoch, 1);
    // An active committee cannot be abandoned: its address is not the next one's.
    let abandon = swapped(ix::stake::abandon_committee(&me, 1, &me), pda::committee(2), pda::committee(1));
    refused(world.send(&[abandon], &[&authority]), ErrorCode::ConstraintSeeds);
    assert_eq!(world.get::<Config>(&pda::stake_config()).next_committee_sequence, 0);
}

#[test]
fn a_member_keeps_the_minimum_and_may_take_what_is_above_it() {
    let mut world = World::with_stake(&[]);
    let committee = world.committee(3);
    let member = &committee.members[1];
    let owner = member.wallet.pubkey();
    world.send(&[ix::stake::deposit(&owner, &world.mint, Role::Operator, 5)], &[&member.wallet]).unwrap();
    let leave = |amount| ix::stake::request_unbond(&owner, committee.epoch, Role::Operator, amount);
    refused(world.send(&[leave(6)], &[&member.wallet]), StakeError::MemberBelowMinimum);
    world.send(&[leave(5)], &[&member.wallet]).unwrap();
    // The committees cannot be replaced by empty addresses or by accounts that are no committees.
    for (from, to) in [(1, 3), (2, 3), (1, 0)] {
        let hidden = swapped(leave(1), pda::committee(from), pda::committee(to));
        refused(world.send(&[hidden], &[&member.wallet]), ErrorCode::ConstraintSeeds);
    }
    // Membership does not restrict its stake as a validator.
    world.send(&[ix::stake::deposit(&owner, &world.mint, Role::Validator, OPEN)], &[&member.wallet]).unwrap();
    let leave = ix::stake::request_unbond(&owner, committee.epoch, Role::Validator, OPEN);
    world.send(&[leave], &[&member.wallet]).unwrap();
    // Shared errors have their own codes.
    assert_eq!(u32::from(SharedError::Overflow), 7_000);
}
