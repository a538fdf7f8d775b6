//! Review: who is on a panel, when verdicts are accepted, and what a decision does.

use ::stake::state::Role;
use anchor_lang::error::ErrorCode;
use datanet::{
    error::DatanetError,
    events::{BatchAccepted, BatchRejected, PanelDrawn, VerdictCommitted, VerdictRevealed},
    state::{Batch, Datanet, MAX_PANEL},
};
use openledger_interface::{ix, pda};
use openledger_protocol::draw;
use program_tests::{
    Key, OPEN, World,
    datanet::{self as net, COMMIT_SLOTS, MIN_BOND, REVEAL_SLOTS, leaves, slot_hash},
    refused, stake, swapped,
};
use solana_keypair::Signer;
use solana_pubkey::Pubkey;

/// A Datanet with quorum 2, `n` validators of equal stake who are all drawn, and a batch that Alice submitted.
fn review(n: usize) -> (World, Pubkey, Vec<Key>, Key, Pubkey) {
    let mut world = World::with_datanet(&[]);
    let owner = world.wallet(0);
    let datanet = world.datanet(&owner, 1, |_| {});
    let validators: Vec<Key> = (0..n).map(|_| world.validator(stake::MIN_VALIDATOR)).collect();
    let alice = world.wallet(100 * OPEN);
    let batch = world.submitted(&alice, datanet, &leaves(1, 3));
    (world, datanet, validators, alice, batch)
}

#[test]
fn an_accepted_batch_returns_bond_and_rent_and_is_a_leaf() {
    let (mut world, datanet, validators, alice, batch) = review(3);
    let lamports = world.svm.get_balance(&alice.pubkey()).unwrap();
    let rent = world.svm.get_balance(&batch).unwrap();
    for (v, quality) in validators.iter().zip([9_000, 7_000, 10]) {
        let sent = world.commit(v, batch, quality > 10, quality).expect("commits");
        assert_eq!(sent.event::<VerdictCommitted>().validator, v.pubkey());
    }
    world.pass(COMMIT_SLOTS);
    for (v, quality) in validators.iter().zip([9_000, 7_000, 10]) {
        let sent = world.reveal(v, batch, quality > 10, quality).expect("reveals");
        let event: VerdictRevealed = sent.event();
        assert_eq!((event.approve, event.quality), (quality > 10, quality));
    }
    let event: BatchAccepted = world.finalise(batch).expect("finalises").event();
    assert_eq!(event.approved_by, [validators[0].pubkey(), validators[1].pubkey()]);
    assert_eq!((event.quality, event.place, event.index, event.count), (8_000, 0, 0, 3));
    assert_eq!((world.open_of(&alice.pubkey()), world.balance(&pda::bond_vault())), (100 * OPEN, 0));
    assert_eq!(world.svm.get_balance(&alice.pubkey()).unwrap(), lamports + rent);
    assert!(world.find::<Batch>(&batch).is_none(), "the batch is closed");
    assert_eq!(world.get::<Datanet>(&datanet).range.count, 1);
}

#[test]
fn a_rejected_batch_forfeits_its_bond_to_the_insurance_vault() {
    let (mut world, datanet, validators, alice, batch) = review(2);
    world.judge(&validators, batch, false);
    // The contributor closes its token account. That must not prevent the forfeiture of its bond.
    let ata = world.ata(&alice.pubkey());
    let insured = world.balance(&pda::insurance_vault());
    let mut instruction = ix::datanet::finalise_batch(&datanet, &batch, &alice.pubkey(), &world.mint);
    for meta in instruction.accounts.iter_mut().filter(|m| m.pubkey == ata) {
        meta.pubkey = datanet::ID;
        meta.is_writable = false;
    }
    let event: BatchRejected = world.send(&[instruction], &[]).expect("finalises").event();
    assert_eq!((event.expired, event.rejected_by.len()), (false, 2));
    assert_eq!(world.balance(&pda::insurance_vault()), insured + MIN_BOND);
    assert_eq!((world.balance(&pda::bond_vault()), world.open_of(&alice.pubkey())), (0, 100 * OPEN - MIN_BOND));
    assert_eq!(world.get::<Datanet>(&datanet).range.count, 0);
}

#[test]
fn finalising_needs_the_right_accounts() {
    let (mut world, datanet, validators, alice, batch) = review(2);
    let mallory = world.wallet(0);
    world.judge(&validators, batch, true);
    let good = ix::datanet::finalise_batch(&datanet, &batch, &alice.pubkey(), &world.mint);
    let (hers, his) = (world.ata(&alice.pubkey()), world.ata(&mallory.pubkey()));
    refused(world.send(&[swapped(good.clone(), hers, his)], &[]), DatanetError::WrongTokenOwner);
    let rent = swapped(good.clone(), alice.pubkey(), mallory.pubkey());
    refused(world.send(&[rent], &[]), DatanetError::NotContributor);
    refused(world.send(&[swapped(good.clone(), pda::insurance_vault(), his)], &[]), DatanetError::WrongForfeitAccount);
    refused(world.send(&[swapped(good.clone(), pda::bond_vault(), his)], &[]), ErrorCode::ConstraintSeeds);
    let owner = world.wallet(0);
    let other = world.datanet(&owner, 2, |_| {});
    refused(world.send(&[swapped(good.clone(), datanet, other)], &[]), ErrorCode::ConstraintSeeds);
    let mut without = good.clone();
    for meta in without.accounts.iter_mut().filter(|m| m.pubkey == hers) {
        meta.pubkey = datanet::ID;
        meta.is_writable = false;
    }
    refused(world.send(&[without], &[]), DatanetError::MissingBondAccount);
    world.send(std::slice::from_ref(&good), &[]).expect("finalises");
    refused(world.send(&[good], &[]), ErrorCode::AccountNotInitialized);
}

#[test]
fn only_drawn_validators_commit() {
    let mut world = World::with_datanet(&[]);
    let owner = world.wallet(0);
    let datanet = world.datanet(&owner, 1, |a| (a.panel_size, a.quorum) = (1, 1));
    let validators: Vec<Key> = (0..4).map(|_| world.validator(stake::MIN_VALIDATOR)).collect();
    let alice = world.wallet(100 * OPEN);
    let batch = world.submitted(&alice, datanet, &leaves(1, 1));
    let submitted = world.get::<Batch>(&batch).submitted_slot;
    let drawn = |nonce: u64, v: &Key| {
        let total = 4 * stake::MIN_VALIDATOR;
        draw::is_drawn(&slot_hash(nonce, submitted + 1), &v.pubkey().to_bytes(), stake::MIN_VALIDATOR, total, 1)
    };
    let nonce = (0..).find(|n| drawn(*n, &validators[0]) && !drawn(*n, &validators[1])).unwrap();
    world.slot_hashes(nonce);
    refused(world.commit(&validators[1], batch, true, 1), DatanetError::NotDrawn);
    world.commit(&validators[0], batch, true, 1).expect("is drawn");
    assert_eq!(world.get::<Batch>(&batch).seed, slot_hash(nonce, submitted + 1));
    // The seed is fixed now, so other hashes do not draw another panel.
    let favourable = (0..).find(|n| drawn(*n, &validators[1])).unwrap();
    world.slot_hashes(favourable);
    refused(world.commit(&validators[1], batch, true, 1), DatanetError::NotDrawn);
}

#[test]
fn only_validators_with_enough_old_stake_of_their_own_commit() {
    let (mut world, datanet, validators, _, batch) = review(2);
    let late = world.validator(stake::MIN_VALIDATOR);
    refused(world.commit(&late, batch, true, 1), DatanetError::StakeTooYoung);
    let mallory = world.wallet(100 * OPEN);
    let (m, v) = (mallory.pubkey(), validators[0].pubkey());
    let commit = ix::datanet::commit_verdict(&m, &datanet, &batch, [1; 32]);
    let position = pda::position(&m, Role::Validator);
    let borrowed = swapped(commit.clone(), position, pda::position(&v, Role::Validator));
    refused(world.send(&[borrowed], &[&mallory]), DatanetError::NotValidator);
    let operator = world.operator();
    let o = operator.wallet.pubkey();
    let wrong_role = swapped(
        ix::datanet::commit_verdict(&o, &datanet, &batch, [1; 32]),
        pda::position(&o, Role::Validator),
        pda::position(&o, Role::Operator),
    );
    refused(world.send(&[wrong_role], &[&operator.wallet]), DatanetError::NotValidator);
    refused(world.send(&[commit], &[&mallory]), ErrorCode::AccountNotInitialized);
    let mut forged = world.get::<::stake::state::Position>(&pda::position(&v, Role::Validator));
    forged.amount -= 1;
    world.put(pda::position(&v, Role::Validator), &forged);
    refused(world.commit(&validators[0], batch, true, 1), DatanetError::NotValidator);
}

#[test]
fn a_forged_stake_config_or_sysvar_is_refused() {
    let (mut world, datanet, validators, _, batch) = review(2);
    let v = validators[0].pubkey();
    let good = ix::datanet::commit_verdict(&v, &datanet, &batch, [1; 32]);
    let fake = program_tests::keys::address("fake config");
    let config: ::stake::state::Config = world.get(&pda::stake_config());
    world.put(fake, &config);
    let swapped_config = swapped(good.clone(), pda::stake_config(), fake);
    refused(world.send(&[swapped_config], &[&validators[0]]), ErrorCode::ConstraintSeeds);
    let sysvar = solana_sdk_ids::sysvar::slot_hashes::ID;
    refused(world.send(&[swapped(good, sysvar, fake)], &[&validators[0]]), ErrorCode::ConstraintAddress);
}

#[test]
fn the_contributor_cannot_review_its_own_batch() {
    let mut world = World::with_datanet(&[]);
    let owner = world.wallet(0);
    let datanet = world.datanet(&owner, 1, |_| {});
    let alice = world.validator(stake::MIN_VALIDATOR);
    let batch = world.submitted(&alice, datanet, &leaves(1, 1));
    refused(world.commit(&alice, batch, true, 1), DatanetError::OwnBatch);
}

#[test]
fn commitments_are_taken_once_each_up_to_the_last_slot() {
    let (mut world, _, validators, _, batch) = review(3);
    let until = world.get::<Batch>(&batch).commit_until;
    world.commit(&validators[0], batch, true, 1).expect("commits");
    refused(world.commit(&validators[0], batch, false, 1), DatanetError::AlreadyCommitted);
    world.pass(until - world.slot());
    world.commit(&validators[1], batch, true, 1).expect("the last slot counts");
    world.pass(1);
    refused(world.commit(&validators[2], batch, true, 1), DatanetError::CommitClosed);
}

#[test]
fn a_batch_that_is_not_submitted_takes_no_verdicts() {
    let (mut world, datanet, validators, alice, _) = review(2);
    let open = world.open(&alice, datanet, &leaves(2, 1));
    refused(world.commit(&validators[0], open, true, 1), DatanetError::BatchNotInReview);
    refused(world.reveal(&validators[0], open, true, 1), DatanetError::BatchNotInReview);
    refused(world.finalise(open), DatanetError::BatchNotInReview);
    refused(world.expire(open), DatanetError::BatchNotInReview);
    refused(world.send(&[ix::datanet::draw_panel(&open)], &[]), DatanetError::BatchNotInReview);
}

#[test]
fn reveals_are_taken_in_their_window_only() {
    let (mut world, _, validators, _, batch) = review(3);
    for v in &validators {
        world.commit(v, batch, true, 1).expect("commits");
    }
    let Batch { commit_until, reveal_until, .. } = world.get(&batch);
    world.pass(commit_until - world.slot());
    refused(world.reveal(&validators[0], batch, true, 1), DatanetError::RevealTooEarly);
    world.pass(1);
    world.reveal(&validators[0], batch, true, 1).expect("the window is open");
    refused(world.reveal(&validators[0], batch, true, 1), DatanetError::AlreadyRevealed);
    world.pass(reveal_until - world.slot());
    world.reveal(&validators[1], batch, true, 1).expect("the last slot counts");
    world.pass(1);
    refused(world.reveal(&validators[2], batch, true, 1), DatanetError::RevealClosed);
}

#[test]
fn a_reveal_must_match_its_commitment() {
    let (mut world, datanet, validators, alice, batch) = review(3);
    for v in &validators[..2] {
        world.commit(v, batch, true, 5_000).expect("commits");
    }
    world.pass(COMMIT_SLOTS);
    let (v, salt) = (validators[0].pubkey(), net::salt(&validators[0].pubkey()));
    refused(world.reveal(&validators[0], batch, false, 5_000), DatanetError::CommitmentMismatch);
    refused(world.reveal(&validators[0], batch, true, 5_001), DatanetError::CommitmentMismatch);
    refused(world.reveal(&validators[0], batch, true, 10_001), DatanetError::BadQuality);
    let wrong_salt = ix::datanet::reveal_verdict(&v, &datanet, &batch, true, 5_000, [9; 32]);
    refused(world.send(&[wrong_salt], &[&validators[0]]), DatanetError::CommitmentMismatch);
    refused(world.reveal(&validators[2], batch, true, 5_000), DatanetError::NotCommitted);
    let mut unsigned = ix::datanet::reveal_verdict(&v, &datanet, &batch, true, 5_000, salt);
    unsigned.accounts[0].is_signer = false;
    refused(world.send(&[unsigned], &[]), ErrorCode::AccountNotSigner);
    refused(world.reveal(&alice, batch, true, 5_000), DatanetError::NotCommitted);
    world.reveal(&validators[0], batch, true, 5_000).expect("the truth is taken");
}

#[test]
fn a_full_panel_reveals_at_once_and_takes_no_tenth() {
    let (mut world, _, validators, _, batch) = review(10);
    let mut drawn = vec![];
    let Batch { submitted_slot, .. } = world.get(&batch);
    let all = |nonce: u64| {
        validators
            .iter()
            .filter(|v| {
                let (total, seed) = (10 * stake::MIN_VALIDATOR, slot_hash(nonce, submitted_slot + 1));
                draw::is_drawn(&seed, &v.pubkey().to_bytes(), stake::MIN_VALIDATOR, total, 9)
            })
            .count()
            == 10
    };
    world.slot_hashes((0..).find(|n| all(*n)).unwrap());
    for v in &validators[..MAX_PANEL] {
        world.commit(v, batch, true, 1).expect("commits");
        drawn.push(v);
    }
    refused(world.commit(&validators[MAX_PANEL], batch, true, 1), DatanetError::PanelFull);
    for v in drawn.iter().take(5) {
        world.reveal(v, batch, true, 1).expect("reveals at once");
    }
    world.finalise(batch).expect("five of nine decide");
}

#[test]
fn nothing_is_finalised_without_a_decision() {
    let (mut world, _, validators, _, batch) = review(3);
    refused(world.finalise(batch), DatanetError::NotDecided);
    for (v, approve) in validators.iter().zip([true, true, false]) {
        world.commit(v, batch, approve, 1).expect("commits");
    }
    world.pass(COMMIT_SLOTS);
    world.reveal(&validators[0], batch, true, 1).expect("reveals");
    refused(world.finalise(batch), DatanetError::NotDecided);
    world.reveal(&validators[2], batch, false, 1).expect("reveals");
    refused(world.finalise(batch), DatanetError::NotDecided);
    world.reveal(&validators[1], batch, true, 1).expect("reveals");
    refused(world.expire(batch), DatanetError::ExpireTooEarly);
    world.finalise(batch).expect("two of three decide");
}

#[test]
fn an_undecided_batch_expires_after_its_windows_and_returns_the_bond() {
    let (mut world, datanet, validators, alice, batch) = review(2);
    for (v, approve) in validators.iter().zip([true, false]) {
        world.commit(v, batch, approve, 1).expect("commits");
    }
    refused(world.expire(batch), DatanetError::ExpireTooEarly);
    world.pass(COMMIT_SLOTS);
    for (v, approve) in validators.iter().zip([true, false]) {
        world.reveal(v, batch, approve, 1).expect("reveals");
    }
    world.pass(world.get::<Batch>(&batch).reveal_until - world.slot());
    refused(world.expire(batch), DatanetError::ExpireTooEarly);
    world.pass(1);
    refused(world.finalise(batch), DatanetError::NotDecided);
    let mallory = world.wallet(0);
    let stolen = swapped(
        ix::datanet::expire_batch(&datanet, &batch, &alice.pubkey(), &world.mint),
        world.ata(&alice.pubkey()),
        world.ata(&mallory.pubkey()),
    );
    refused(world.send(&[stolen], &[]), DatanetError::WrongTokenOwner);
    let event: BatchRejected = world.expire(batch).expect("expires").event();
    assert!(event.expired);
    assert_eq!((world.open_of(&alice.pubkey()), world.balance(&pda::bond_vault())), (100 * OPEN, 0));
    let state: Datanet = world.get(&datanet);
    assert_eq!((state.accepted, state.rejected, state.range.count), (0, 0, 0));
    assert!(world.find::<Batch>(&batch).is_none());
}

#[test]
fn too_few_commitments_expire_as_soon_as_the_window_to_commit_has_closed() {
    let (mut world, _, validators, alice, batch) = review(2);
    world.commit(&validators[0], batch, true, 1).expect("commits");
    world.pass(world.get::<Batch>(&batch).commit_until - world.slot());
    refused(world.expire(batch), DatanetError::ExpireTooEarly);
    world.pass(1);
    refused(world.reveal(&validators[0], batch, true, 1), DatanetError::TooFewCommitments);
    world.expire(batch).expect("expires");
    assert_eq!(world.open_of(&alice.pubkey()), 100 * OPEN);
}

#[test]
fn a_decided_batch_cannot_be_expired_however_late() {
    let (mut world, datanet, validators, _, batch) = review(2);
    world.judge(&validators, batch, true);
    world.pass(COMMIT_SLOTS + REVEAL_SLOTS + 1_000);
    refused(world.expire(batch), DatanetError::ExpireTooEarly);
    world.finalise(batch).expect("finalises");
    assert_eq!(world.get::<Datanet>(&datanet).accepted, 1);
}

#[test]
fn the_panel_is_drawn_by_the_first_slot_after_submission_and_only_while_that_is_known() {
    let mut world = World::with_datanet(&[]);
    let owner = world.wallet(0);
    let datanet = world.datanet(&owner, 1, |_| {});
    let alice = world.wallet(100 * OPEN);
    let a = alice.pubkey();
    let batch = world.open(&alice, datanet, &leaves(1, 1));
    world.slot_hashes(3);
    world.send(&[ix::datanet::submit_batch(&a, &batch, net::MANIFEST)], &[&alice]).expect("submits");
    let submitted = world.slot();
    refused(world.send(&[ix::datanet::draw_panel(&batch)], &[]), DatanetError::DrawTooEarly);
    world.pass(512);
    world.slot_hashes(3);
    let event: PanelDrawn = world.send(&[ix::datanet::draw_panel(&batch)], &[]).expect("draws").event();
    assert_eq!(event.seed, slot_hash(3, submitted + 1));
    refused(world.send(&[ix::datanet::draw_panel(&batch)], &[]), DatanetError::AlreadyDrawn);

    let late = world.submitted(&alice, datanet, &leaves(2, 1));
    world.pass(511);
    world.slot_hashes(3);
    refused(world.send(&[ix::datanet::draw_panel(&late)], &[]), DatanetError::DrawTooLate);
    world.expire(late).expect("the bond is not lost");
    assert_eq!(world.open_of(&a), 100 * OPEN - MIN_BOND);
}
