//! Batches handed in by their root: a million contributions for the fees of three transactions.

use datanet::{
    ContributeBulkArgs, RangePath, VerifyContributionArgs,
    error::DatanetError,
    events::{BatchAccepted, BatchSubmitted},
    state::{Batch, BatchStatus, Datanet, MAX_BULK},
};
use openledger_interface::{ix, pda};
use openledger_protocol::{Hash32, mmr};
use program_tests::{
    Key, OPEN, World,
    datanet::{MIN_BOND, leaves},
    refused, stake,
};
use solana_keypair::Signer;
use solana_pubkey::Pubkey;

/// Lamports of a signature: a transaction's fee.
const FEE: u64 = 5_000;

fn bulk(leaves: &[Hash32]) -> ContributeBulkArgs {
    ContributeBulkArgs { root: mmr::root_of(leaves), count: leaves.len() as u64, manifest: [7; 32] }
}

fn world() -> (World, Pubkey, Key, Vec<Key>) {
    let mut world = World::with_datanet(&[]);
    let (owner, alice) = (world.wallet(0), world.wallet(100 * OPEN));
    let datanet = world.datanet(&owner, 1, |_| {});
    let validators = (0..2).map(|_| world.validator(stake::MIN_VALIDATOR)).collect();
    (world, datanet, alice, validators)
}

/// D1, and the budget: 10⁶ contributions for at most 0.002 SOL in fees, each provable.
#[test]
fn a_million_contributions_cost_three_transactions_and_are_provable() {
    let (mut world, datanet, alice, validators) = world();
    let all = leaves(1, 1_000_000);
    let args = bulk(&all);
    let a = alice.pubkey();
    let batch = pda::batch(&datanet, 0);
    let steps = [
        ix::datanet::open_batch(&a, &datanet, 0, &world.mint, MIN_BOND),
        ix::datanet::contribute_bulk(&a, &batch, args),
    ];
    let transactions = steps.len() as u64 + 1; // and finalise_batch, which anyone may send
    assert!(transactions * FEE <= 2_000_000, "at most 0.002 SOL");
    let [open, hand_in] = steps;
    world.send(&[open], &[&alice]).expect("opens");
    let event: BatchSubmitted = world.send(&[hand_in], &[&alice]).expect("hands in").event();
    assert_eq!((event.root, event.count, event.manifest, event.bulk), (args.root, 1_000_000, args.manifest, true));
    assert_eq!(world.get::<Batch>(&batch).status, BatchStatus::Review);
    world.pass(2);
    world.slot_hashes(0);
    world.judge(&validators, batch, true);
    let event: BatchAccepted = world.finalise(batch).expect("is accepted").event();
    assert_eq!((event.root, event.count), (args.root, 1_000_000));
    assert_eq!(world.get::<Datanet>(&datanet).contributions, 1_000_000);
    let at = 700_001;
    let path = mmr::prove(&all, at).expect("is there");
    let proof = VerifyContributionArgs {
        leaf: all[at as usize],
        batch_index: 0,
        contributor: a,
        batch_root: args.root,
        batch_count: args.count,
        in_batch: RangePath { index: path.index, siblings: path.siblings, peaks: path.peaks },
        in_datanet: RangePath { index: 0, siblings: vec![], peaks: vec![] },
    };
    world.send(&[ix::datanet::verify_contribution(&datanet, proof.clone())], &[]).expect("is proven");
    let forged = VerifyContributionArgs { leaf: [1; 32], ..proof };
    refused(world.send(&[ix::datanet::verify_contribution(&datanet, forged)], &[]), DatanetError::BadProof);
}

#[test]
fn a_root_is_given_once_by_the_contributor_for_an_empty_batch() {
    let (mut world, datanet, alice, _) = world();
    let (mallory, a) = (world.wallet(OPEN), alice.pubkey());
    let args = bulk(&leaves(1, 9));
    let filled = world.open(&alice, datanet, &leaves(2, 2));
    refused(world.send(&[ix::datanet::contribute_bulk(&a, &filled, args)], &[&alice]), DatanetError::NotEmpty);
    let empty = world.open(&alice, datanet, &[]);
    let by_mallory = ix::datanet::contribute_bulk(&mallory.pubkey(), &empty, args);
    refused(world.send(&[by_mallory], &[&mallory]), DatanetError::NotContributor);
    for (wrong, error) in [
        (ContributeBulkArgs { count: 0, ..args }, DatanetError::BadBulkCount),
        (ContributeBulkArgs { count: MAX_BULK + 1, ..args }, DatanetError::BadBulkCount),
        (ContributeBulkArgs { root: [0; 32], ..args }, DatanetError::ZeroHash),
        (ContributeBulkArgs { manifest: [0; 32], ..args }, DatanetError::ZeroHash),
    ] {
        refused(world.send(&[ix::datanet::contribute_bulk(&a, &empty, wrong)], &[&alice]), error);
    }
    let most = ContributeBulkArgs { count: MAX_BULK, ..args };
    world.send(&[ix::datanet::contribute_bulk(&a, &empty, most)], &[&alice]).expect("hands in");
    refused(world.send(&[ix::datanet::contribute_bulk(&a, &empty, args)], &[&alice]), DatanetError::BatchNotOpen);
    refused(world.send(&[ix::datanet::contribute(&a, &empty, &leaves(3, 1))], &[&alice]), DatanetError::BatchNotOpen);
    let cancel = ix::datanet::cancel_batch(&a, &datanet, &empty, &world.mint);
    refused(world.send(&[cancel], &[&alice]), DatanetError::BatchNotOpen);
}

/// The panel must reject a root without known leaves. The bond is then lost as for any other batch.
#[test]
fn a_rejected_root_forfeits_its_bond() {
    let (mut world, datanet, alice, validators) = world();
    let batch = world.open(&alice, datanet, &[]);
    let lie = ContributeBulkArgs { root: [3; 32], count: 5, manifest: [7; 32] };
    world.send(&[ix::datanet::contribute_bulk(&alice.pubkey(), &batch, lie)], &[&alice]).expect("hands in");
    world.pass(2);
    world.slot_hashes(0);
    world.judge(&validators, batch, false);
    world.finalise(batch).expect("is rejected");
    assert_eq!(world.balance(&pda::insurance_vault()), MIN_BOND);
    assert_eq!(world.get::<Datanet>(&datanet).contributions, 0);
}
