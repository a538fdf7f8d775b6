//! `slash_attested`, `slash_by_authority`, `pay_insurance`: how much judges may take, and how much may leave the
//! insurance vault.

use ::stake::{
    error::{SharedError, StakeError},
    events::{InsurancePaid, Slashed},
    instructions::SlashAttestedArgs,
    state::{Config, Position, Role, SlashReason},
};
use anchor_lang::error::ErrorCode;
use openledger_interface::{ix, pda};
use openledger_protocol::attest::Kind;
use program_tests::{OPEN, World, attest, keys::address, refused, stake::MIN_OPERATOR, swapped};
use solana_keypair::Signer;

/// First parameters of the program.
const CAP_BPS: u64 = 3_000;
const WINDOW: u64 = 1_512_000;
const INSURANCE_CAP_BPS: u64 = 2_500;

#[test]
fn a1_a_committee_slashes_by_attestation_and_each_is_good_once() {
    let mut world = World::with_stake(&[]);
    let committee = world.committee(3);
    let owner = committee.members[2].wallet.pubkey();
    let subject = pda::position(&owner, Role::Operator);
    let args = SlashAttestedArgs { bps: 500, evidence: [0xfa; 32], expiry_slot: world.slot() + 20 };
    let attestation = attest::signed(&committee.key, &world.fault(&committee, &owner, Role::Operator, &args));
    let slash = ix::stake::slash_attested(1, &world.get(&pda::position(&owner, Role::Operator)), args.clone());
    let sent = world.send(&[attestation.clone(), slash.clone()], &[]).unwrap();
    let event = sent.event::<Slashed>();
    let part = MIN_OPERATOR / 20;
    assert_eq!((event.position, event.amount, event.bonded), (subject, part, MIN_OPERATOR - part));
    assert_eq!((event.reason, event.evidence), (SlashReason::Attested, [0xfa; 32]));
    assert_eq!(world.get::<Position>(&subject).faults, 1);
    assert_eq!(world.balance(&pda::insurance_vault()), part);
    refused(world.send(&[attestation, slash], &[]), SharedError::AttestationMessage);
    let event = world.slash(&committee, &owner, Role::Operator, 500).unwrap().event::<Slashed>();
    assert_eq!(event.amount, (MIN_OPERATOR - part) / 20);
}

#[test]
fn a1_a2_only_the_active_committees_word_about_exactly_this_slash_counts() {
    let mut world = World::with_stake(&[]);
    let committee = world.committee(3);
    let (owner, other) = (committee.members[2].wallet.pubkey(), committee.members[1].wallet.pubkey());
    let args = SlashAttestedArgs { bps: 500, evidence: [0xfa; 32], expiry_slot: world.slot() + 20 };
    let right = world.fault(&committee, &owner, Role::Operator, &args);
    let good = attest::signed(&committee.key, &right);
    // Other arguments than those attested.
    for other in [
        SlashAttestedArgs { bps: 501, ..args.clone() },
        SlashAttestedArgs { evidence: [0xfb; 32], ..args.clone() },
        SlashAttestedArgs { expiry_slot: args.expiry_slot + 1, ..args.clone() },
    ] {
        let slash = ix::stake::slash_attested(1, &world.get(&pda::position(&owner, Role::Operator)), other);
        refused(world.send(&[good.clone(), slash], &[]), SharedError::AttestationMessage);
    }
    // Another subject, sequence, kind, cluster, program.
    let main = ix::stake::slash_attested(1, &world.get(&pda::position(&owner, Role::Operator)), args.clone());
    for wrong in [
        openledger_protocol::attest::Message { subject: pda::position(&other, Role::Operator).to_bytes(), ..right },
        openledger_protocol::attest::Message { sequence: 1, ..right },
        openledger_protocol::attest::Message { kind: Kind::Committee, ..right },
        openledger_protocol::attest::Message { cluster: [9; 32], ..right },
        openledger_protocol::attest::Message { program: ::payout::ID.to_bytes(), ..right },
        openledger_protocol::attest::Message { committee_epoch: 2, ..right },
    ] {
        let before = attest::signed(&committee.key, &wrong);
        refused(world.send(&[before, main.clone()], &[]), SharedError::AttestationMessage);
    }
    let thief = attest::signed(&attest::group_key(99), &right);
    refused(world.send(&[thief, main.clone()], &[]), SharedError::AttestationKey);
    refused(world.send(&[main.clone()], &[]), SharedError::AttestationMissing);
    // Refused after the expiry, accepted before it.
    world.pass(21);
    refused(world.send(&[good.clone(), main.clone()], &[]), SharedError::AttestationExpired);
    world.svm.warp_to_slot(args.expiry_slot);
    world.send(&[good, main], &[]).unwrap();
    // A retired committee attests nothing.
    let (a, b) = (world.operator(), world.operator());
    world.seat(&[&a, &b], 2, [5; 32]).unwrap();
    refused(world.slash(&committee, &owner, Role::Operator, 1), SharedError::CommitteeNotActive);
}

#[test]
fn a2_the_accused_cannot_outdate_an_attestation_by_changing_its_position() {
    let mut world = World::with_stake(&[]);
    let committee = world.committee(3);
    let member = &committee.members[2];
    let owner = member.wallet.pubkey();
    let args = SlashAttestedArgs { bps: 500, evidence: [0xfa; 32], expiry_slot: world.slot() + 20 };
    let attestation = attest::signed(&committee.key, &world.fault(&committee, &owner, Role::Operator, &args));
    let slash = ix::stake::slash_attested(1, &world.get(&pda::position(&owner, Role::Operator)), args);
    world.send(&[ix::stake::deposit(&owner, &world.mint, Role::Operator, 1)], &[&member.wallet]).unwrap();
    world.send(&[ix::stake::request_unbond(&owner, 1, Role::Operator, 1)], &[&member.wallet]).unwrap();
    world.send(&[attestation, slash], &[]).unwrap();
}

#[test]
fn judged_slashes_of_a_window_stop_at_the_cap_and_go_on_in_the_next() {
    let mut world = World::with_stake(&[]);
    let committee = world.committee(3);
    let authority = world.authority.insecure_clone();
    let owner = committee.members[0].wallet.pubkey();
    // Both judges share the cap: one takes 20 %, then the other takes what is left of 30 %.
    let by_authority = |world: &World, bps| {
        ix::stake::slash_by_authority(
            &authority.pubkey(),
            &world.get(&pda::position(&owner, Role::Operator)),
            bps,
            [0xed; 32],
        )
    };
    let event = world.slash(&committee, &owner, Role::Operator, 2_000).unwrap().event::<Slashed>();
    assert_eq!(event.amount, MIN_OPERATOR / 5);
    let slash = by_authority(&world, 10_000);
    let event = world.send(&[slash], &[&authority]).unwrap().event::<Slashed>();
    assert_eq!((event.amount, event.reason), (MIN_OPERATOR * (CAP_BPS - 2_000) / 10_000, SlashReason::Authority));
    let slash = by_authority(&world, 1);
    refused(world.send(&[slash.clone()], &[&authority]), StakeError::NothingToSlash);
    refused(world.slash(&committee, &owner, Role::Operator, 1), StakeError::NothingToSlash);
    assert_eq!(world.get::<Position>(&pda::position(&owner, Role::Operator)).faults, 1);
    world.pass(WINDOW - 1);
    refused(world.send(&[slash.clone()], &[&authority]), StakeError::NothingToSlash);
    world.pass(1);
    let event = world.send(&[slash], &[&authority]).unwrap().event::<Slashed>();
    assert_eq!(event.amount, MIN_OPERATOR * 7 / 10 / 10_000);
}

#[test]
fn validators_answer_too_and_what_they_are_elsewhere_does_not() {
    let mut world = World::with_stake(&[]);
    let committee = world.committee(1);
    let member = &committee.members[0];
    let owner = member.wallet.pubkey();
    world.send(&[ix::stake::deposit(&owner, &world.mint, Role::Validator, 200 * OPEN)], &[&member.wallet]).unwrap();
    // The operator's pool is not slashed for its owner's faults as a validator.
    world.send(&[ix::stake::open_pool(&owner, &world.mint, 0)], &[&member.wallet]).unwrap();
    let event = world.slash(&committee, &owner, Role::Validator, 1_000).unwrap().event::<Slashed>();
    assert_eq!((event.role, event.amount), (Role::Validator, 20 * OPEN));
    let config = world.get::<Config>(&pda::stake_config());
    assert_eq!((config.validator_stake, config.operator_stake), (180 * OPEN, MIN_OPERATOR));
}

#[test]
fn only_the_authority_decides_alone_and_only_sound_parts_count() {
    let mut world = World::with_stake(&[]);
    let committee = world.committee(1);
    let owner = committee.members[0].wallet.pubkey();
    let (authority, thief) = (world.authority.insecure_clone(), world.wallet(0));
    let slash = |who: &solana_pubkey::Pubkey, bps| {
        ix::stake::slash_by_authority(who, &world.get(&pda::position(&owner, Role::Operator)), bps, [0xed; 32])
    };
    let (bad, none, over) =
        (slash(&thief.pubkey(), 1), slash(&authority.pubkey(), 0), slash(&authority.pubkey(), 10_001));
    let good = slash(&authority.pubkey(), 1);
    refused(world.send(&[bad], &[&thief]), StakeError::NotAuthority);
    for wrong in [none, over] {
        refused(world.send(&[wrong], &[&authority]), StakeError::BadPart);
    }
    refused(world.slash(&committee, &owner, Role::Operator, 0), StakeError::BadPart);
    // Slashed OPEN goes only from the stake vault to the insurance vault.
    let ata = world.ata(&thief.pubkey());
    for (from, to) in [
        (pda::insurance_vault(), ata),
        (pda::stake_vault(), pda::insurance_vault()),
        (pda::insurance_vault(), pda::stake_vault()),
        (pda::stake_vault(), ata),
    ] {
        let away = world.send(&[swapped(good.clone(), from, to)], &[&authority]);
        assert!(format!("{:?}", away.unwrap_err().err).contains("Custom(20"), "a constraint on the accounts");
    }
    let mut unsigned = good;
    unsigned.accounts[0].is_signer = false;
    refused(world.send(&[unsigned], &[]), ErrorCode::AccountNotSigner);
}

#[test]
fn m1_the_insurance_pays_what_it_has_within_its_cap_and_by_the_authority_alone() {
    let mut world = World::with_stake(&[]);
    let committee = world.committee(1);
    let owner = committee.members[0].wallet.pubkey();
    let (authority, victim) = (world.authority.insecure_clone(), world.wallet(0));
    let to = world.ata(&victim.pubkey());
    let pay = |amount| ix::stake::pay_insurance(&authority.pubkey(), &to, amount);
    refused(world.send(&[pay(1)], &[&authority]), StakeError::InsuranceCapReached);
    world.slash(&committee, &owner, Role::Operator, 3_000).unwrap();
    let held = world.balance(&pda::insurance_vault());
    let most = held * INSURANCE_CAP_BPS / 10_000;
    refused(world.send(&[pay(0)], &[&authority]), StakeError::ZeroAmount);
    refused(world.send(&[pay(most + 1)], &[&authority]), StakeError::InsuranceCapReached);
    let event = world.send(&[pay(most - 1)], &[&authority]).unwrap().event::<InsurancePaid>();
    assert_eq!((event.to, event.amount, event.sequence), (to, most - 1, 1));
    world.send(&[pay(1)], &[&authority]).unwrap();
    refused(world.send(&[pay(1)], &[&authority]), StakeError::InsuranceCapReached);
    assert_eq!((world.open_of(&victim.pubkey()), world.balance(&pda::insurance_vault())), (most, held - most));
    world.pass(WINDOW);
    world.send(&[pay((held - most) / 4)], &[&authority]).unwrap();
    // Refused: payments by others, payments to the vaults themselves, payments of another mint.
    let thief = world.wallet(0);
    let stolen = ix::stake::pay_insurance(&thief.pubkey(), &world.ata(&thief.pubkey()), 1);
    refused(world.send(&[stolen], &[&thief]), StakeError::NotAuthority);
    let circle = ix::stake::pay_insurance(&authority.pubkey(), &pda::stake_vault(), 1);
    refused(world.send(&[circle], &[&authority]), StakeError::WrongRecipient);
    let itself = ix::stake::pay_insurance(&authority.pubkey(), &pda::insurance_vault(), 1);
    refused(world.send(&[itself], &[&authority]), ErrorCode::ConstraintDuplicateMutableAccount);
    let (other_mint, token) = (address("other mint"), address("token of the other mint"));
    world.put_mint(other_mint, 9);
    world.put_token(token, other_mint, thief.pubkey(), 0);
    let wrong = ix::stake::pay_insurance(&authority.pubkey(), &token, 1);
    refused(world.send(&[wrong], &[&authority]), ErrorCode::ConstraintTokenMint);
    // Refused: payments out of the stake vault.
    let stake_vault = swapped(pay(1), pda::insurance_vault(), pda::stake_vault());
    refused(world.send(&[stake_vault], &[&authority]), ErrorCode::ConstraintSeeds);
}
