//! `propose_next_committee`, `seat_members`, `expire_committee`: the committee names its successor, and no member can
//! block a forming committee for ever.

use ::stake::{
    error::{SharedError, StakeError},
    events::{CommitteeAbandoned, CommitteeProposed, SuccessorNamed},
    instructions::{ProposeCommitteeArgs, ProposeNextCommitteeArgs},
    roster::roster,
    state::{Committee, CommitteeStatus, Config, MAX_MEMBERS, Role},
};
use openledger_interface::{attestation, ix, pda};
use openledger_protocol::attest::{Kind, Message};
use program_tests::{
    Failed, Key, Sent, World, attest, refused,
    stake::{self, Operator},
};
use solana_keypair::Signer;
use solana_pubkey::Pubkey;

/// First parameter of the program.
const COMMITTEE_SLOTS: u64 = 216_000;

fn wallets(operators: &[Operator]) -> Vec<Pubkey> {
    operators.iter().map(|o| o.wallet.pubkey()).collect()
}

fn args(world: &World, members: &[Pubkey]) -> ProposeNextCommitteeArgs {
    let size = members.len() as u16;
    ProposeNextCommitteeArgs { threshold: size / 2 + 1, size, roster: roster(members), expiry_slot: world.slot() + 20 }
}

/// The message by which `committee_epoch` names its successor now.
fn message(world: &World, committee_epoch: u64, args: &ProposeNextCommitteeArgs) -> Message {
    Message { committee_epoch, ..attestation::next_committee(&world.get(&pda::stake_config()), args) }
}

fn propose(
    world: &mut World,
    present: &stake::Committee,
    payer: &Key,
    args: ProposeNextCommitteeArgs,
) -> Result<Sent, Failed> {
    let before = attest::signed(&present.key, &message(world, present.epoch, &args));
    let main = ix::stake::propose_next_committee(&payer.pubkey(), present.epoch, args);
    world.send(&[before, main], &[payer])
}

fn status(world: &World, epoch: u64) -> CommitteeStatus {
    world.get::<Committee>(&pda::committee(epoch)).status
}

#[test]
fn a1_the_present_committee_names_its_successor_and_rules_until_that_is_active() {
    let mut world = World::with_stake(&[]);
    let present = world.committee(3);
    let next: Vec<Operator> = (0..4).map(|_| world.operator()).collect();
    let (members, payer) = (wallets(&next), world.wallet(0));
    let args = args(&world, &members);
    let event = propose(&mut world, &present, &payer, args).unwrap().event::<SuccessorNamed>();
    assert_eq!((event.sequence, event.epoch, event.size, event.committee_epoch), (1, 2, 4, 1));
    assert_eq!(event.roster, roster(&members));
    // Anyone seats them, in any portions.
    let seat = |from: usize, to: usize| ix::stake::seat_members(1, &members[from..to], roster(&members[to..]));
    let event = world.send(&[seat(0, 3)], &[]).unwrap().event::<CommitteeProposed>();
    assert_eq!((event.sequence, event.members.as_slice()), (1, &members[..3]));
    world.send(&[seat(3, 4)], &[]).unwrap();
    assert_eq!(world.get::<Committee>(&pda::committee(2)).members, members);
    for (i, operator) in next.iter().enumerate() {
        assert_eq!((status(&world, 1), status(&world, 2)), (CommitteeStatus::Active, CommitteeStatus::Confirming));
        world.send(&[ix::stake::confirm_committee(&members[i], 1, [5; 32])], &[&operator.wallet]).unwrap();
    }
    assert_eq!((status(&world, 1), status(&world, 2)), (CommitteeStatus::Retired, CommitteeStatus::Active));
    assert_eq!(world.get::<Committee>(&pda::committee(1)).retired_slot, world.slot());
    assert_eq!(world.get::<Config>(&pda::stake_config()).committee_epoch, 2);
}

#[test]
fn a_hundred_members_are_named_by_one_signature() {
    let mut world = World::with_stake(&[]);
    let present = world.committee(1);
    let next: Vec<Operator> = (0..MAX_MEMBERS).map(|_| world.operator()).collect();
    let (members, payer) = (wallets(&next), world.wallet(0));
    let args = args(&world, &members);
    propose(&mut world, &present, &payer, args).unwrap();
    for from in (0..MAX_MEMBERS).step_by(8) {
        let to = (from + 8).min(MAX_MEMBERS);
        let seat = ix::stake::seat_members(1, &members[from..to], roster(&members[to..]));
        world.send(&[seat], &[]).unwrap();
    }
    assert_eq!(status(&world, 2), CommitteeStatus::Confirming);
}

#[test]
fn a1_a2_only_the_active_committees_word_about_exactly_this_successor_counts() {
    let mut world = World::with_stake(&[]);
    let present = world.committee(3);
    let next: Vec<Operator> = (0..2).map(|_| world.operator()).collect();
    let (members, payer) = (wallets(&next), world.wallet(0));
    let args = args(&world, &members);
    let right = message(&world, 1, &args);
    let good = attest::signed(&present.key, &right);
    let main = |args: ProposeNextCommitteeArgs| ix::stake::propose_next_committee(&payer.pubkey(), 1, args);
    for other in [
        ProposeNextCommitteeArgs { threshold: 1, ..args.clone() },
        ProposeNextCommitteeArgs { size: 3, ..args.clone() },
        ProposeNextCommitteeArgs { roster: roster(&members[..1]), ..args.clone() },
        ProposeNextCommitteeArgs { expiry_slot: args.expiry_slot + 1, ..args.clone() },
    ] {
        refused(world.send(&[good.clone(), main(other)], &[&payer]), SharedError::AttestationMessage);
    }
    for wrong in [
        Message { cluster: [9; 32], ..right },
        Message { program: [9; 32], ..right },
        Message { committee_epoch: 2, ..right },
        Message { kind: Kind::Fault, ..right },
        Message { subject: pda::committee(2).to_bytes(), ..right },
        Message { sequence: right.sequence + 1, ..right },
    ] {
        let before = attest::signed(&present.key, &wrong);
        refused(world.send(&[before, main(args.clone())], &[&payer]), SharedError::AttestationMessage);
    }
    let thief = attest::signed(&attest::group_key(99), &right);
    refused(world.send(&[thief, main(args.clone())], &[&payer]), SharedError::AttestationKey);
    refused(world.send(&[main(args.clone())], &[&payer]), SharedError::AttestationMissing);
    world.pass(21);
    refused(world.send(&[good.clone(), main(args.clone())], &[&payer]), SharedError::AttestationExpired);
    world.svm.warp_to_slot(args.expiry_slot);
    // A threshold that is no majority is refused though it was attested.
    let weak = ProposeNextCommitteeArgs { threshold: 1, ..args.clone() };
    refused(propose(&mut world, &present, &payer, weak), StakeError::BadThreshold);
    world.send(&[good.clone(), main(args.clone())], &[&payer]).unwrap();
    // The attestation is accepted once, and not again after the committee was abandoned.
    let authority = world.authority.insecure_clone();
    let mut abandon = ix::stake::abandon_committee(&authority.pubkey(), 1, &authority.pubkey());
    refused(world.send(&[abandon.clone()], &[&authority]), anchor_lang::error::ErrorCode::ConstraintHasOne);
    abandon.accounts[3].pubkey = payer.pubkey();
    world.send(&[abandon], &[&authority]).unwrap();
    refused(world.send(&[good, main(args)], &[&payer]), SharedError::AttestationMessage);
}

#[test]
fn a1_nobody_seats_others_than_those_named_nor_in_another_order() {
    let mut world = World::with_stake(&[]);
    let present = world.committee(3);
    let next: Vec<Operator> = (0..3).map(|_| world.operator()).collect();
    let (members, payer, outsider) = (wallets(&next), world.wallet(0), world.operator().wallet.pubkey());
    let args = args(&world, &members);
    propose(&mut world, &present, &payer, args).unwrap();
    let seat = |who: &[Pubkey], rest: &[Pubkey]| ix::stake::seat_members(1, who, roster(rest));
    for wrong in [
        seat(&[outsider], &members[1..]),
        seat(&members[1..2], &members[2..]),
        seat(&[members[0], outsider], &members[2..]),
        seat(&[members[1], members[0]], &members[2..]),
        seat(&members[..1], &members[2..]),
        seat(&members[..1], &[]),
    ] {
        refused(world.send(&[wrong], &[]), StakeError::NotOnRoster);
    }
    // Refused: an empty list of members, although its hash would match.
    refused(world.send(&[seat(&[], &members)], &[]), StakeError::BadMemberCount);
    // Not even the authority may name other members.
    let authority = world.authority.insecure_clone();
    let add = ix::stake::add_members(&authority.pubkey(), 1, &[outsider]);
    refused(world.send(&[add], &[&authority]), StakeError::MembersAreNamed);
    // The accounts behind the members are still checked.
    let mut short = seat(&members, &[]);
    short.accounts.pop();
    refused(world.send(&[short], &[]), StakeError::WrongMemberAccounts);
    world.send(&[seat(&members, &[])], &[]).unwrap();
    refused(world.send(&[seat(&[outsider], &[])], &[]), StakeError::NotForming);
}

#[test]
fn members_of_the_authoritys_committee_are_not_seated_by_others() {
    let mut world = World::with_stake(&[]);
    let operators: Vec<Operator> = (0..2).map(|_| world.operator()).collect();
    let (members, authority) = (wallets(&operators), world.authority.insecure_clone());
    world
        .send(
            &[ix::stake::propose_committee(
                &authority.pubkey(),
                0,
                ProposeCommitteeArgs { threshold: 2, size: 2, members: members[..1].to_vec() },
            )],
            &[&authority],
        )
        .unwrap();
    refused(world.send(&[ix::stake::seat_members(0, &members[1..], [0; 32])], &[]), StakeError::NoRoster);
}

#[test]
fn a3_a_committee_that_does_not_become_active_in_time_is_expired_by_anyone() {
    let mut world = World::with_stake(&[]);
    let present = world.committee(3);
    let next: Vec<Operator> = (0..2).map(|_| world.operator()).collect();
    let (members, payer) = (wallets(&next), world.wallet(0));
    let before = world.svm.get_balance(&payer.pubkey()).unwrap();
    let args = args(&world, &members);
    propose(&mut world, &present, &payer, args.clone()).unwrap();
    world.send(&[ix::stake::seat_members(1, &members, [0; 32])], &[]).unwrap();
    world.send(&[ix::stake::confirm_committee(&members[0], 1, [5; 32])], &[&next[0].wallet]).unwrap();
    // A member that never confirms blocks the others until the deadline.
    let leave = ix::stake::request_unbond(&members[0], 1, Role::Operator, 1);
    refused(world.send(&[leave.clone()], &[&next[0].wallet]), StakeError::MemberBelowMinimum);
    world.pass(COMMITTEE_SLOTS);
    let expire = ix::stake::expire_committee(1, &payer.pubkey());
    refused(world.send(&[expire.clone()], &[]), StakeError::NotExpired);
    world.pass(1);
    // The rent goes to who paid it and to nobody else.
    let thief = world.wallet(0);
    let stolen = ix::stake::expire_committee(1, &thief.pubkey());
    refused(world.send(&[stolen], &[]), anchor_lang::error::ErrorCode::ConstraintHasOne);
    let event = world.send(&[expire], &[]).unwrap().event::<CommitteeAbandoned>();
    assert_eq!((event.epoch, event.sequence), (2, 3));
    assert_eq!(world.svm.get_balance(&payer.pubkey()).unwrap(), before);
    assert!(world.find::<Committee>(&pda::committee(2)).is_none());
    world.send(&[leave], &[&next[0].wallet]).unwrap();
    // The active committee is still active, cannot be expired, and names another successor. The event numbers continue.
    assert_eq!(status(&world, 1), CommitteeStatus::Active);
    let mut active = ix::stake::expire_committee(1, &payer.pubkey());
    active.accounts[1].pubkey = pda::committee(1);
    refused(world.send(&[active], &[]), anchor_lang::error::ErrorCode::ConstraintSeeds);
    let args =
        ProposeNextCommitteeArgs { expiry_slot: world.slot(), threshold: 1, size: 1, roster: roster(&members[1..]) };
    propose(&mut world, &present, &payer, args).unwrap();
    let event =
        world.send(&[ix::stake::seat_members(1, &members[1..], [0; 32])], &[]).unwrap().event::<CommitteeProposed>();
    assert_eq!(event.sequence, 5);
}
