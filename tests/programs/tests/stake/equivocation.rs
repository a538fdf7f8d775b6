//! A4: `prove_equivocation`. Anyone can prove it, nothing else is accepted as proof, and no evidence is used twice.

use ::stake::{
    error::{SharedError, StakeError},
    events::{PoolSlashed, Slashed},
    instructions::{ProposeCommitteeArgs, ProveEquivocationArgs, SlashAttestedArgs},
    state::{Config, Equivocation, Position, Role, SlashReason},
};
use anchor_lang::error::ErrorCode;
use openledger_interface::{ix, pda};
use openledger_protocol::{hash::sha256, observation::Observation};
use program_tests::{
    Failed, Key, OPEN, Sent, World, attest, key, refused,
    stake::{Committee, MIN_OPERATOR, Operator, UNBOND_SLOTS, evidence, observation},
    swapped,
    tx::refused_with,
};
use solana_instruction::Instruction;
use solana_keypair::Signer;
use solana_transaction::Transaction;

const ARGS: ProveEquivocationArgs = ProveEquivocationArgs { epoch: 1, subject: [8; 32], sequence: 3 };
const CONTENTS: [[u8; 32]; 2] = [[1; 32], [2; 32]];

/// A world with a committee of three.
fn world() -> (World, Committee, Key) {
    let mut world = World::with_stake(&[]);
    let committee = world.committee(3);
    let prover = world.wallet(0);
    (world, committee, prover)
}

/// The evidence that `operator` signed both [`CONTENTS`] for `args`.
fn proof(world: &World, operator: &Operator, args: &ProveEquivocationArgs) -> Instruction {
    let [a, b] = CONTENTS.map(|c| observation(world, operator, args, c));
    evidence(&operator.identity, [&a, &b])
}

fn prove(
    world: &mut World,
    prover: &Key,
    operator: &Operator,
    before: Instruction,
    args: ProveEquivocationArgs,
) -> Result<Sent, Failed> {
    let main = ix::stake::prove_equivocation(
        &prover.pubkey(),
        &world.get(&pda::position(&operator.wallet.pubkey(), Role::Operator)),
        args,
    );
    world.send(&[before, main], &[prover])
}

#[test]
fn a4_anyone_proves_two_contents_for_one_thing_and_the_operator_is_slashed() {
    let (mut world, committee, prover) = world();
    let operator = &committee.members[1];
    let owner = operator.wallet.pubkey();
    let proof = proof(&world, operator, &ARGS);
    let sent = prove(&mut world, &prover, operator, proof.clone(), ARGS).unwrap();
    let event = sent.event::<Slashed>();
    let half = MIN_OPERATOR / 2;
    assert_eq!((event.owner, event.amount, event.bonded, event.sequence), (owner, half, half, 1));
    assert_eq!((event.reason, event.evidence), (SlashReason::Equivocation, sha256(&[&proof.data])));
    let position = world.get::<Position>(&pda::position(&owner, Role::Operator));
    assert_eq!((position.amount, position.sequence), (half, 2));
    assert_eq!(world.get::<Config>(&pda::stake_config()).operator_stake, 3 * MIN_OPERATOR - half);
    assert_eq!((world.balance(&pda::stake_vault()), world.balance(&pda::insurance_vault())), (5 * half, half));
    let mark = world.get::<Equivocation>(&pda::equivocation(&owner, &ARGS));
    assert_eq!((mark.operator, mark.contents, mark.slot), (owner, CONTENTS, world.slot()));
    assert_eq!(world.open_of(&prover.pubkey()), 0, "no bounty: an operator could rescue a part of its own stake by it");
}

#[test]
fn a4_the_proof_fits_into_a_transaction_of_its_prover() {
    let (mut world, committee, prover) = world();
    let operator = &committee.members[0];
    // With a pool, which adds an account.
    world.send(&[ix::stake::open_pool(&operator.wallet.pubkey(), &world.mint, 0)], &[&operator.wallet]).unwrap();
    let before = proof(&world, operator, &ARGS);
    let main = ix::stake::prove_equivocation(
        &prover.pubkey(),
        &world.get(&pda::position(&operator.wallet.pubkey(), Role::Operator)),
        ARGS,
    );
    let blockhash = world.svm.latest_blockhash();
    let tx = Transaction::new_signed_with_payer(&[before, main], Some(&prover.pubkey()), &[&prover], blockhash);
    let size = bincode::serialize(&tx).unwrap().len();
    println!("prove_equivocation: {size} bytes");
    assert!(size <= 1_232, "{size} bytes");
    world.svm.send_transaction(tx).unwrap();
}

#[test]
fn a4_no_evidence_is_used_twice() {
    let (mut world, committee, prover) = world();
    let operator = &committee.members[1];
    let good = proof(&world, operator, &ARGS);
    prove(&mut world, &prover, operator, good.clone(), ARGS).unwrap();
    refused_with(prove(&mut world, &prover, operator, good, ARGS), "already in use");
    // The same fault is also refused in the other order, and with a third content for the same subject and sequence.
    for contents in [[CONTENTS[1], CONTENTS[0]], [CONTENTS[0], [3; 32]]] {
        let [a, b] = contents.map(|c| observation(&world, operator, &ARGS, c));
        let again = evidence(&operator.identity, [&a, &b]);
        refused_with(prove(&mut world, &prover, operator, again, ARGS), "already in use");
    }
    // Another sequence number is another fault.
    let other = ProveEquivocationArgs { sequence: 4, ..ARGS };
    let proof = proof(&world, operator, &other);
    let event = prove(&mut world, &prover, operator, proof, other).unwrap().event::<Slashed>();
    assert_eq!(event.amount, MIN_OPERATOR / 4);
}

#[test]
fn a4_what_is_unbonding_does_not_escape_and_goes_first() {
    let (mut world, committee, prover) = world();
    let operator = &committee.members[1];
    let owner = operator.wallet.pubkey();
    world.send(&[ix::stake::deposit(&owner, &world.mint, Role::Operator, 600 * OPEN)], &[&operator.wallet]).unwrap();
    world.send(&[ix::stake::request_unbond(&owner, 1, Role::Operator, 600 * OPEN)], &[&operator.wallet]).unwrap();
    let proof = proof(&world, operator, &ARGS);
    let event = prove(&mut world, &prover, operator, proof, ARGS).unwrap().event::<Slashed>();
    assert_eq!((event.amount, event.bonded, event.unbonding), (800 * OPEN, 800 * OPEN, 0));
    let config = world.get::<Config>(&pda::stake_config());
    assert_eq!((config.unbonding, config.operator_stake), (0, 2 * MIN_OPERATOR + 800 * OPEN));
    // The owner has nothing left to withdraw.
    world.pass(UNBOND_SLOTS);
    let withdraw = ix::stake::withdraw(&owner, &world.mint, Role::Operator);
    refused(world.send(&[withdraw], &[&operator.wallet]), StakeError::NothingUnbonding);
}

#[test]
fn a4_observations_that_do_not_contradict_each_other_prove_nothing() {
    let (mut world, committee, prover) = world();
    let operator = &committee.members[1];
    let first = observation(&world, operator, &ARGS, CONTENTS[0]);
    let second = Observation { content: CONTENTS[1], ..first };
    let others = [
        first,
        Observation { cluster: [9; 32], ..second },
        Observation { epoch: 2, ..second },
        Observation { operator: committee.members[0].wallet.pubkey().to_bytes(), ..second },
        Observation { subject: [9; 32], ..second },
        Observation { sequence: 4, ..second },
    ];
    for other in others {
        let before = evidence(&operator.identity, [&first, &other]);
        refused(prove(&mut world, &prover, operator, before, ARGS), StakeError::NoConflict);
    }
    // Two observations contradict each other, but concern something else than the mark.
    let changed: [fn(&mut Observation); 5] = [
        |o| o.cluster = [9; 32],
        |o| o.epoch = 2,
        |o| o.operator = [9; 32],
        |o| o.subject = [9; 32],
        |o| o.sequence = 4,
    ];
    for change in changed {
        let (mut a, mut b) = (first, second);
        change(&mut a);
        change(&mut b);
        let before = evidence(&operator.identity, [&a, &b]);
        refused(prove(&mut world, &prover, operator, before, ARGS), StakeError::EvidenceMismatch);
    }
}

#[test]
fn a4_only_the_operators_own_key_speaks_for_it() {
    let (mut world, committee, prover) = world();
    let (operator, other) = (&committee.members[1], &committee.members[0]);
    let [a, b] = CONTENTS.map(|c| observation(&world, operator, &ARGS, c));
    // Signed by another operator's key, the operator's wallet, or a thief's key.
    for identity in [&other.identity, &operator.wallet, &key("thief")] {
        let before = evidence(identity, [&a, &b]);
        refused(prove(&mut world, &prover, operator, before, ARGS), StakeError::EvidenceKey);
    }
    // Another operator's account is in this one's place: its key matches the signature, but its wallet does not match
    // the observations.
    let before = evidence(&other.identity, [&a, &b]);
    refused(prove(&mut world, &prover, other, before, ARGS), StakeError::EvidenceMismatch);
    // Another operator's position in this one's place.
    let good = proof(&world, operator, &ARGS);
    let main = ix::stake::prove_equivocation(
        &prover.pubkey(),
        &world.get(&pda::position(&operator.wallet.pubkey(), Role::Operator)),
        ARGS,
    );
    let position = |o: &Operator| pda::position(&o.wallet.pubkey(), Role::Operator);
    let wrong = swapped(main, position(operator), position(other));
    refused(world.send(&[good, wrong], &[&prover]), ErrorCode::ConstraintSeeds);
    // A signature that is wrong fails the transaction before the program is called.
    let mut forged = proof(&world, operator, &ARGS);
    forged.data[70] ^= 1;
    assert!(prove(&mut world, &prover, operator, forged, ARGS).is_err());
}

#[test]
fn a4_precompile_offset_games_are_refused() {
    let (mut world, committee, prover) = world();
    let operator = &committee.members[1];
    let good = proof(&world, operator, &ARGS);
    let ed25519 = |data: Vec<u8>| Instruction { data, ..good.clone() };
    // No instruction before, or another program's.
    let main = ix::stake::prove_equivocation(
        &prover.pubkey(),
        &world.get(&pda::position(&operator.wallet.pubkey(), Role::Operator)),
        ARGS,
    );
    refused(world.send(&[main.clone()], &[&prover]), StakeError::EvidenceMissing);
    let update = ix::stake::update_operator(&operator.wallet.pubkey(), "http://a".into(), 7);
    refused(world.send(&[update.clone(), main.clone()], &[&prover, &operator.wallet]), StakeError::EvidenceMissing);
    // Refused: evidence that is not directly before.
    refused(
        world.send(&[good.clone(), update, main.clone()], &[&prover, &operator.wallet]),
        StakeError::EvidenceMissing,
    );
    // Both signatures are over the first message while the second is shown; and both offsets point at the same
    // signature.
    let mut twice = good.data.clone();
    twice.copy_within(10..12, 24);
    twice.copy_within(2..4, 16);
    refused(prove(&mut world, &prover, operator, ed25519(twice), ARGS), StakeError::EvidenceLayout);
    // The first instruction's data stands in for this one's.
    let mut pointing = good.data.clone();
    for index_at in [4, 8, 14, 18, 22, 28] {
        pointing[index_at..index_at + 2].copy_from_slice(&0u16.to_le_bytes());
    }
    let main_behind = world.send(&[good.clone(), ed25519(pointing), main.clone()], &[&prover]);
    refused(main_behind, StakeError::EvidenceLayout);
    // Something behind the canonical bytes, and no signature at all.
    refused(
        prove(&mut world, &prover, operator, ed25519([&good.data[..], &[0]].concat()), ARGS),
        StakeError::EvidenceLayout,
    );
    refused(prove(&mut world, &prover, operator, ed25519(vec![0, 0]), ARGS), StakeError::EvidenceLayout);
    // An attestation is one signature, not two.
    let fault = SlashAttestedArgs { bps: 500, evidence: [0xfa; 32], expiry_slot: 2_000 };
    let message = world.fault(&committee, &operator.wallet.pubkey(), Role::Operator, &fault);
    let attested = attest::signed(&committee.key, &message);
    refused(prove(&mut world, &prover, operator, attested, ARGS), StakeError::EvidenceLayout);
    // A forged sysvar account.
    let fake = key("fake").pubkey();
    world.put_raw(fake, ::stake::ID, vec![0; 1_000]);
    let spoofed = swapped(main, solana_sdk_ids::sysvar::instructions::ID, fake);
    refused_with(world.send(&[good.clone(), spoofed], &[&prover]), "UnsupportedSysvar");
    prove(&mut world, &prover, operator, good, ARGS).unwrap();
}

#[test]
fn a4_evidence_counts_for_members_of_that_committee_and_later_for_the_operator_alone() {
    let (mut world, committee, prover) = world();
    let operator = &committee.members[1];
    // An operator that was never in it.
    let outsider = world.operator();
    let before = proof(&world, &outsider, &ARGS);
    refused(prove(&mut world, &prover, &outsider, before, ARGS), StakeError::NotOfThatCommittee);
    // Refused: the committee of another epoch, an account that is not a committee, an empty account.
    let before = proof(&world, operator, &ARGS);
    let main = ix::stake::prove_equivocation(
        &prover.pubkey(),
        &world.get(&pda::position(&operator.wallet.pubkey(), Role::Operator)),
        ARGS,
    );
    for (wrong, error) in [
        (pda::stake_config(), SharedError::NotACommittee),
        (pda::committee(2), SharedError::NotACommittee),
        (pda::operator(&operator.wallet.pubkey()), SharedError::NotACommittee),
    ] {
        let main = swapped(main.clone(), pda::committee(1), wrong);
        refused(world.send(&[before.clone(), main], &[&prover]), error);
    }
    // One that is not active yet.
    let authority = world.authority.insecure_clone();
    let wallets = [operator.wallet.pubkey(), outsider.wallet.pubkey()];
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
    let early = ProveEquivocationArgs { epoch: 2, ..ARGS };
    let before = proof(&world, operator, &early);
    refused(prove(&mut world, &prover, operator, before, early.clone()), StakeError::NotOfThatCommittee);
    let before = proof(&world, operator, &ARGS);
    let wrong = swapped(main, pda::committee(1), pda::committee(2));
    refused(world.send(&[before.clone(), wrong], &[&prover]), StakeError::NotOfThatCommittee);
    // The first committee retires. Delegators are slashed too until its members could have withdrawn, and not after
    // that.
    let wallet = world.wallet(100 * OPEN);
    world.send(&[ix::stake::open_pool(&wallets[0], &world.mint, 0)], &[&operator.wallet]).unwrap();
    let delegate = ix::stake::delegate(&wallet.pubkey(), &world.mint, &wallets[0], 100 * OPEN);
    world.send(&[delegate], &[&wallet]).unwrap();
    for who in [operator, &outsider] {
        world.send(&[ix::stake::confirm_committee(&who.wallet.pubkey(), 1, [5; 32])], &[&who.wallet]).unwrap();
    }
    world.pass(UNBOND_SLOTS);
    let sent = prove(&mut world, &prover, operator, before, ARGS).unwrap();
    assert_eq!((sent.event::<Slashed>().amount, sent.event::<PoolSlashed>().amount), (MIN_OPERATOR / 2, 50 * OPEN));
    world.pass(1);
    let other = ProveEquivocationArgs { sequence: 4, ..ARGS };
    let before = proof(&world, operator, &other);
    let sent = prove(&mut world, &prover, operator, before, other).unwrap();
    assert_eq!((sent.event::<Slashed>().amount, sent.events::<PoolSlashed>()), (MIN_OPERATOR / 4, vec![]));
}

#[test]
fn a4_an_old_entry_stays_accountable_whatever_the_operator_changes() {
    let (mut world, committee, prover) = world();
    let operator = &committee.members[1];
    let before = proof(&world, operator, &ARGS);
    // The identity key cannot change. Evidence stays valid whatever else changes.
    let update = ix::stake::update_operator(&operator.wallet.pubkey(), "http://elsewhere".into(), 1);
    world.send(&[update], &[&operator.wallet]).unwrap();
    prove(&mut world, &prover, operator, before, ARGS).unwrap();
}

#[test]
fn a3_a_slashed_member_keeps_its_place_but_cannot_leave_nor_be_seated_again() {
    let (mut world, committee, prover) = world();
    let operator = &committee.members[1];
    let owner = operator.wallet.pubkey();
    let before = proof(&world, operator, &ARGS);
    prove(&mut world, &prover, operator, before, ARGS).unwrap();
    // Below the minimum, it stays a member, and the committee can still attest.
    world.slash(&committee, &committee.members[0].wallet.pubkey(), Role::Operator, 1).unwrap();
    let leave = ix::stake::request_unbond(&owner, 1, Role::Operator, 1);
    refused(world.send(&[leave], &[&operator.wallet]), StakeError::MemberBelowMinimum);
    let authority = world.authority.insecure_clone();
    let propose = ix::stake::propose_committee(
        &authority.pubkey(),
        1,
        ProposeCommitteeArgs { threshold: 1, size: 1, members: vec![owner] },
    );
    refused(world.send(&[propose.clone()], &[&authority]), StakeError::BelowMinimum);
    // After another deposit it may be seated again.
    world
        .send(&[ix::stake::deposit(&owner, &world.mint, Role::Operator, MIN_OPERATOR / 2)], &[&operator.wallet])
        .unwrap();
    world.send(&[propose], &[&authority]).unwrap();
}
