//! Contributions: who may add leaves and when, their cost in bytes, and that they can be proven from the ledger.

use ::governance::{events::InstructionExecuted, state::Proposal};
use anchor_lang::error::ErrorCode;
use datanet::{
    RangePath, VerifyContributionArgs,
    error::DatanetError,
    events::{BatchAccepted, BatchOpened, Contributed},
    state::{Batch, BatchStatus, Datanet, MAX_BATCH},
};
use openledger_interface::{ix, pda};
use openledger_protocol::{
    Hash32,
    batch::BatchLeaf,
    mmr::{self, RangeProof},
};
use program_tests::{
    Key, OPEN, World,
    datanet::{MANIFEST, MIN_BOND, leaves},
    key, refused, stake, swapped,
    tx::refused_with,
};
use solana_keypair::Signer;
use solana_message::{VersionedMessage, v1};
use solana_pubkey::Pubkey;
use solana_transaction::{Transaction, versioned::VersionedTransaction};

fn world() -> (World, Key, Pubkey) {
    let mut world = World::with_datanet(&[]);
    let owner = world.wallet(100 * OPEN);
    let datanet = world.datanet(&owner, 1, |_| {});
    (world, owner, datanet)
}

#[test]
fn a_batch_takes_its_bond_and_counts_its_leaves() {
    let (mut world, _, datanet) = world();
    let alice = world.wallet(100 * OPEN);
    let opened = world
        .send(&[ix::datanet::open_batch(&alice.pubkey(), &datanet, 0, &world.mint, 7 * OPEN)], &[&alice])
        .expect("opens");
    let batch = pda::batch(&datanet, 0);
    let event: BatchOpened = opened.event();
    assert_eq!((event.batch, event.index, event.contributor, event.bond), (batch, 0, alice.pubkey(), 7 * OPEN));
    assert_eq!(world.open_of(&alice.pubkey()), 93 * OPEN);
    assert_eq!(world.balance(&pda::bond_vault()), 7 * OPEN);

    let all = leaves(1, 30);
    for (part, first) in [(&all[..10], 0), (&all[10..], 10)] {
        let sent =
            world.send(&[ix::datanet::contribute(&alice.pubkey(), &batch, part)], &[&alice]).expect("contributes");
        let event: Contributed = sent.event();
        assert_eq!((event.first, event.count as usize), (first, part.len()));
    }
    let state: Batch = world.get(&batch);
    assert_eq!(mmr::root(state.count, &state.peaks).unwrap(), mmr::root_of(&all), "the range is that of the leaves");
    assert_eq!(state.sequence, 2);
}

#[test]
fn twenty_eight_leaves_fit_in_one_transaction_of_1232_bytes() {
    let (mut world, _, datanet) = world();
    let alice = world.wallet(100 * OPEN);
    let batch = world.open(&alice, datanet, &[]);
    let all = leaves(1, 28);
    let transaction = Transaction::new_signed_with_payer(
        &[ix::datanet::contribute(&alice.pubkey(), &batch, &all)],
        Some(&alice.pubkey()),
        &[&alice],
        world.svm.latest_blockhash(),
    );
    let size = bincode::serialized_size(&transaction).unwrap();
    assert!(size <= 1_232, "{size} bytes");
    world.svm.send_transaction(transaction).expect("is accepted");
    assert_eq!(world.get::<Batch>(&batch).count, 28);
}

#[test]
fn a_transaction_of_version_1_takes_as_many_leaves_as_promised_at_the_fee_of_one_signature() {
    let (mut world, _, datanet) = world();
    let alice = world.wallet(100 * OPEN);
    let batch = world.open(&alice, datanet, &[]);
    let all = leaves(1, ix::datanet::LEAVES_PER_LARGE_TRANSACTION);
    let config = v1::TransactionConfig {
        priority_fee: None,
        compute_unit_limit: Some(100_000),
        loaded_accounts_data_size_limit: Some(64 << 20),
        heap_size: None,
    };
    let message = v1::Message::try_compile_with_config(
        &alice.pubkey(),
        &[ix::datanet::contribute(&alice.pubkey(), &batch, &all)],
        world.svm.latest_blockhash(),
        config,
    )
    .unwrap();
    let transaction = VersionedTransaction::try_new(VersionedMessage::V1(message), &[&alice]).unwrap();
    let before = world.svm.get_balance(&alice.pubkey()).unwrap();
    world.svm.send_transaction(transaction).expect("is accepted");
    assert_eq!(before - world.svm.get_balance(&alice.pubkey()).unwrap(), 5_000);
    let state: Batch = world.get(&batch);
    assert_eq!(mmr::root(state.count, &state.peaks).unwrap(), mmr::root_of(&all));
}

#[test]
fn only_the_contributor_adds_submits_and_cancels() {
    let (mut world, _, datanet) = world();
    let (alice, mallory) = (world.wallet(100 * OPEN), world.wallet(100 * OPEN));
    let batch = world.open(&alice, datanet, &leaves(1, 1));
    let m = mallory.pubkey();
    refused(
        world.send(&[ix::datanet::contribute(&m, &batch, &leaves(2, 1))], &[&mallory]),
        DatanetError::NotContributor,
    );
    refused(world.send(&[ix::datanet::submit_batch(&m, &batch, MANIFEST)], &[&mallory]), DatanetError::NotContributor);
    refused(
        world.send(&[ix::datanet::cancel_batch(&m, &datanet, &batch, &world.mint)], &[&mallory]),
        DatanetError::NotContributor,
    );
    let mut unsigned = ix::datanet::contribute(&alice.pubkey(), &batch, &leaves(2, 1));
    unsigned.accounts[0].is_signer = false;
    refused(world.send(&[unsigned], &[]), ErrorCode::AccountNotSigner);
    assert_eq!(world.get::<Batch>(&batch).count, 1);
}

#[test]
fn a_submitted_batch_cannot_change() {
    let (mut world, _, datanet) = world();
    let alice = world.wallet(100 * OPEN);
    let batch = world.submitted(&alice, datanet, &leaves(1, 3));
    let a = alice.pubkey();
    refused(world.send(&[ix::datanet::contribute(&a, &batch, &leaves(2, 1))], &[&alice]), DatanetError::BatchNotOpen);
    refused(world.send(&[ix::datanet::submit_batch(&a, &batch, MANIFEST)], &[&alice]), DatanetError::BatchNotOpen);
    refused(
        world.send(&[ix::datanet::cancel_batch(&a, &datanet, &batch, &world.mint)], &[&alice]),
        DatanetError::BatchNotOpen,
    );
    assert_eq!(world.get::<Batch>(&batch).status, BatchStatus::Review);
}

#[test]
fn empty_hashes_and_empty_batches_are_refused() {
    let (mut world, _, datanet) = world();
    let alice = world.wallet(100 * OPEN);
    let batch = world.open(&alice, datanet, &[]);
    let a = alice.pubkey();
    refused(world.send(&[ix::datanet::contribute(&a, &batch, &[])], &[&alice]), DatanetError::NoLeaves);
    refused(world.send(&[ix::datanet::contribute(&a, &batch, &[[1; 32], [0; 32]])], &[&alice]), DatanetError::ZeroHash);
    refused(world.send(&[ix::datanet::submit_batch(&a, &batch, MANIFEST)], &[&alice]), DatanetError::NoLeaves);
    world.send(&[ix::datanet::contribute(&a, &batch, &[[1; 32]])], &[&alice]).expect("contributes");
    refused(world.send(&[ix::datanet::submit_batch(&a, &batch, [0; 32])], &[&alice]), DatanetError::ZeroHash);
}

#[test]
fn a_batch_is_full_at_65535_leaves() {
    let (mut world, _, datanet) = world();
    let alice = world.wallet(100 * OPEN);
    let address = world.open(&alice, datanet, &leaves(1, 1));
    let mut batch: Batch = world.get(&address);
    batch.count = MAX_BATCH - 1;
    batch.peaks = [[3; 32]; 16];
    batch.peaks[15] = [0; 32];
    world.put(address, &batch);
    let a = alice.pubkey();
    refused(world.send(&[ix::datanet::contribute(&a, &address, &leaves(2, 2))], &[&alice]), DatanetError::BatchFull);
    world.send(&[ix::datanet::contribute(&a, &address, &leaves(2, 1))], &[&alice]).expect("the last place");
    refused(world.send(&[ix::datanet::contribute(&a, &address, &leaves(3, 1))], &[&alice]), DatanetError::BatchFull);
}

#[test]
fn the_bond_is_at_least_the_minimum_in_open_from_the_own_account() {
    let (mut world, _, datanet) = world();
    let (alice, bob) = (world.wallet(100 * OPEN), world.wallet(100 * OPEN));
    let a = alice.pubkey();
    let low = ix::datanet::open_batch(&a, &datanet, 0, &world.mint, MIN_BOND - 1);
    refused(world.send(&[low], &[&alice]), DatanetError::BondTooSmall);
    let good = ix::datanet::open_batch(&a, &datanet, 0, &world.mint, MIN_BOND);
    let foreign = swapped(good.clone(), world.ata(&a), world.ata(&bob.pubkey()));
    refused(world.send(&[foreign], &[&alice]), DatanetError::WrongTokenOwner);
    let (mint, token) = (key("other mint").pubkey(), key("other token").pubkey());
    world.put_mint(mint, 9);
    world.put_token(token, mint, a, 100 * OPEN);
    refused(world.send(&[swapped(good.clone(), world.ata(&a), token)], &[&alice]), DatanetError::WrongMint);
    refused(world.send(&[swapped(good.clone(), world.mint, mint)], &[&alice]), DatanetError::WrongMint);
    let token_2022 = swapped(good.clone(), spl_token_interface::ID, spl_token_2022_interface::ID);
    refused(world.send(&[token_2022], &[&alice]), ErrorCode::InvalidProgramId);
    let other_vault = swapped(good, pda::bond_vault(), world.ata(&bob.pubkey()));
    refused(world.send(&[other_vault], &[&alice]), ErrorCode::ConstraintSeeds);
    let rich = ix::datanet::open_batch(&a, &datanet, 0, &world.mint, 100 * OPEN + 1);
    refused_with(world.send(&[rich], &[&alice]), "insufficient funds");
}

#[test]
fn a_batch_number_is_used_once_and_prefunding_its_address_stops_nothing() {
    let (mut world, _, datanet) = world();
    let alice = world.wallet(100 * OPEN);
    let a = alice.pubkey();
    world.airdrop(&pda::batch(&datanet, 0));
    world.open(&alice, datanet, &leaves(1, 1));
    let again = ix::datanet::open_batch(&a, &datanet, 0, &world.mint, MIN_BOND);
    refused(world.send(&[again], &[&alice]), ErrorCode::ConstraintSeeds);
    let skipped = ix::datanet::open_batch(&a, &datanet, 2, &world.mint, MIN_BOND);
    refused(world.send(&[skipped], &[&alice]), ErrorCode::ConstraintSeeds);
    world
        .send(&[ix::datanet::cancel_batch(&a, &datanet, &pda::batch(&datanet, 0), &world.mint)], &[&alice])
        .expect("cancels");
    let reopened = ix::datanet::open_batch(&a, &datanet, 0, &world.mint, MIN_BOND);
    refused(world.send(&[reopened], &[&alice]), ErrorCode::ConstraintSeeds);
    assert_eq!(world.get::<Datanet>(&datanet).batches, 1);
}

#[test]
fn a_cancelled_batch_returns_bond_and_rent() {
    let (mut world, _, datanet) = world();
    let alice = world.wallet(100 * OPEN);
    let a = alice.pubkey();
    let before = world.svm.get_balance(&a).unwrap();
    let batch = world.open(&alice, datanet, &leaves(1, 2));
    assert!(world.svm.get_balance(&a).unwrap() < before);
    world.send(&[ix::datanet::cancel_batch(&a, &datanet, &batch, &world.mint)], &[&alice]).expect("cancels");
    assert_eq!((world.open_of(&a), world.balance(&pda::bond_vault())), (100 * OPEN, 0));
    assert_eq!(world.svm.get_balance(&a).unwrap(), before);
    assert!(world.find::<Batch>(&batch).is_none());
}

/// The proof that leaf `at` of batch number `place` among `batches` (index, contributor, leaves) is in the Datanet.
fn proof(datanet: Pubkey, batches: &[(u64, Pubkey, Vec<Hash32>)], place: usize, at: u64) -> VerifyContributionArgs {
    let leaf_of = |(index, contributor, leaves): &(u64, Pubkey, Vec<Hash32>)| {
        let (root, count) = (mmr::root_of(leaves), leaves.len() as u64);
        BatchLeaf { datanet: datanet.to_bytes(), index: *index, contributor: contributor.to_bytes(), root, count }
    };
    let path = |p: RangeProof| RangePath { index: p.index, siblings: p.siblings, peaks: p.peaks };
    let hashes: Vec<Hash32> = batches.iter().map(|b| leaf_of(b).hash()).collect();
    let (index, contributor, leaves) = &batches[place];
    VerifyContributionArgs {
        leaf: leaves[at as usize],
        batch_index: *index,
        contributor: *contributor,
        batch_root: mmr::root_of(leaves),
        batch_count: leaves.len() as u64,
        in_batch: path(mmr::prove(leaves, at).unwrap()),
        in_datanet: path(mmr::prove(&hashes, place as u64).unwrap()),
    }
}

/// Rule D1: any accepted contribution can be proven to be in its Datanet's root from ledger data alone.
#[test]
fn every_accepted_contribution_is_provable_and_nothing_else_is() {
    let (mut world, _, datanet) = world();
    let validators = [world.validator(stake::MIN_VALIDATOR), world.validator(stake::MIN_VALIDATOR)];
    let (alice, bob) = (world.wallet(100 * OPEN), world.wallet(100 * OPEN));
    let mut accepted = vec![];
    let mut rejected = vec![];
    for (n, count) in [1usize, 3, 8, 13, 2, 21].into_iter().enumerate() {
        let who = if n % 2 == 0 { &alice } else { &bob };
        let all = leaves(n as u64, count);
        let batch = world.submitted(who, datanet, &all);
        let approve = n != 2;
        world.judge(&validators, batch, approve);
        let sent = world.finalise(batch).expect("finalises");
        let list = if approve { &mut accepted } else { &mut rejected };
        list.push((n as u64, who.pubkey(), all));
        if approve {
            let event: BatchAccepted = sent.event();
            let proof = proof(datanet, &accepted, accepted.len() - 1, 0);
            assert_eq!((event.root, event.place), (proof.batch_root, proof.in_datanet.index));
        }
    }
    let state: Datanet = world.get(&datanet);
    let hash = |(index, contributor, leaves): &(u64, Pubkey, Vec<Hash32>)| {
        let (root, count) = (mmr::root_of(leaves), leaves.len() as u64);
        BatchLeaf { datanet: datanet.to_bytes(), index: *index, contributor: contributor.to_bytes(), root, count }
            .hash()
    };
    let expected = mmr::root_of(&accepted.iter().map(hash).collect::<Vec<_>>());
    assert_eq!(mmr::root(state.range.count, &state.range.peaks).unwrap(), expected);
    assert_eq!((state.accepted, state.rejected, state.batches, state.contributions), (5, 1, 6, 40));

    for (place, (_, _, leaves)) in accepted.iter().enumerate() {
        for at in 0..leaves.len() as u64 {
            let args = proof(datanet, &accepted, place, at);
            world.send(&[ix::datanet::verify_contribution(&datanet, args)], &[]).expect("is proven");
        }
    }
    let good = proof(datanet, &accepted, 3, 1);
    let forge = |change: &dyn Fn(&mut VerifyContributionArgs)| {
        let mut args = good.clone();
        change(&mut args);
        ix::datanet::verify_contribution(&datanet, args)
    };
    let forged = [
        forge(&|a| a.leaf[0] ^= 1),
        forge(&|a| a.batch_index += 1),
        forge(&|a| a.contributor = Pubkey::default()),
        forge(&|a| a.batch_root[5] ^= 1),
        forge(&|a| a.batch_count += 1),
        forge(&|a| a.in_batch.index ^= 1),
        forge(&|a| a.in_batch.siblings.clear()),
        forge(&|a| a.in_datanet.index = u64::MAX),
        forge(&|a| a.in_datanet.peaks.push([0; 32])),
    ];
    for instruction in forged {
        refused(world.send(&[instruction], &[]), DatanetError::BadProof);
    }
    let of_rejected = proof(datanet, &rejected, 0, 0);
    refused(world.send(&[ix::datanet::verify_contribution(&datanet, of_rejected)], &[]), DatanetError::BadProof);
    let owner = world.wallet(0);
    let other = world.datanet(&owner, 9, |_| {});
    refused(world.send(&[ix::datanet::verify_contribution(&other, good)], &[]), DatanetError::BadProof);
}

#[test]
fn a_batch_under_review_is_not_provable() {
    let (mut world, _, datanet) = world();
    let alice = world.wallet(100 * OPEN);
    let all = leaves(1, 4);
    world.submitted(&alice, datanet, &all);
    let args = proof(datanet, &[(0, alice.pubkey(), all)], 0, 2);
    refused(world.send(&[ix::datanet::verify_contribution(&datanet, args)], &[]), DatanetError::BadProof);
}

/// A program relies on a proof by calling `verify_contribution`. Here governance calls it by a proposal.
#[test]
fn another_program_has_a_contribution_verified_and_fails_with_a_false_proof() {
    let (mut world, assembly) = World::under_governance();
    let validators: Vec<Key> = (0..2).map(|_| world.validator(stake::MIN_VALIDATOR)).collect();
    let (owner, alice) = (world.wallet(0), world.wallet(100 * OPEN));
    let datanet = world.datanet(&owner, 1, |d| d.quorum = 1);
    let all = leaves(1, 5);
    world.accepted(&alice, datanet, &validators, &all);
    let good = proof(datanet, &[(0, alice.pubkey(), all)], 0, 3);
    let forged = VerifyContributionArgs { contributor: owner.pubkey(), ..good.clone() };
    let calls = [good, forged].map(|args| ix::datanet::verify_contribution(&datanet, args));
    let proposal = assembly.ripe(&mut world, &calls);
    let execute = |index: u8| ix::governance::execute_instruction(&proposal, index, &calls[usize::from(index)]);
    let event: InstructionExecuted = world.send(&[execute(0)], &[]).expect("is proven").event();
    assert_eq!((event.proposal, event.index), (proposal, 0));
    refused(world.send(&[execute(1)], &[]), DatanetError::BadProof);
    assert_eq!(world.get::<Proposal>(&proposal).executed, 1);
}
