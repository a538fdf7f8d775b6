//! D1: batches and Datanets hold the same ranges as a recursion over all their leaves, and exactly their leaves can be
//! proven.

use crate::{naive, runner};
use ::datanet::{
    RangePath, VerifyContributionArgs,
    error::DatanetError,
    state::{Batch, Datanet},
};
use openledger_interface::ix;
use openledger_protocol::mmr;
use program_tests::{Key, OPEN, World, datanet::leaves, refused, stake};
use proptest::{collection::vec, prelude::*};
use solana_keypair::Signer;
use solana_pubkey::Pubkey;

type Hash = [u8; 32];

fn world() -> (World, Key, Key, Vec<Key>) {
    let mut world = World::with_datanet(&[]);
    let (owner, alice) = (world.wallet(0), world.wallet(10_000 * OPEN));
    let validators = (0..2).map(|_| world.validator(stake::MIN_VALIDATOR)).collect();
    (world, owner, alice, validators)
}

/// A batch's peaks are those over all its leaves, in whatever portions the leaves arrive.
#[test]
fn a_batch_holds_the_range_over_its_leaves() {
    let (world, owner, alice, _) = world();
    runner(12)
        .run(&vec(1..28usize, 1..10), |portions| {
            let mut world = world.clone();
            let datanet = world.datanet(&owner, 1, |_| {});
            let batch = world.open(&alice, datanet, &[]);
            let mut all: Vec<Hash> = vec![];
            for (n, portion) in portions.iter().enumerate() {
                let new = leaves(n as u64, *portion);
                world.send(&[ix::datanet::contribute(&alice.pubkey(), &batch, &new)], &[&alice]).expect("contributes");
                all.extend(new);
                let state: Batch = world.get(&batch);
                let mut expected = naive::peaks(&all);
                expected.resize(state.peaks.len(), [0; 32]);
                prop_assert_eq!((state.count, state.peaks.to_vec()), (all.len() as u64, expected));
            }
            Ok(())
        })
        .unwrap();
}

/// A Datanet after several batches, as the naive model sees it.
struct Grown {
    world: World,
    datanet: Pubkey,
    alice: Pubkey,
    batches: Vec<Vec<Hash>>,
    batch_leaves: Vec<Hash>,
}

fn grown(sizes: &[usize]) -> Grown {
    let (mut world, owner, alice, validators) = world();
    let datanet = world.datanet(&owner, 1, |_| {});
    let (mut batches, mut batch_leaves) = (vec![], vec![]);
    for (index, size) in sizes.iter().enumerate() {
        let all = leaves(index as u64, *size);
        world.accepted(&alice, datanet, &validators, &all);
        let root = naive::range_root(&all);
        let (d, a) = (datanet.to_bytes(), alice.pubkey().to_bytes());
        batch_leaves.push(naive::batch_leaf(&d, index as u64, &a, &root, *size as u64));
        batches.push(all);
        let range = world.get::<Datanet>(&datanet).range;
        let mut expected = naive::peaks(&batch_leaves);
        expected.resize(mmr::MAX_PEAKS, [0; 32]);
        assert_eq!((range.count, range.peaks.to_vec()), (index as u64 + 1, expected));
    }
    Grown { world, datanet, alice: alice.pubkey(), batches, batch_leaves }
}

impl Grown {
    fn proof(&self, batch: usize, leaf: usize) -> VerifyContributionArgs {
        let all = &self.batches[batch];
        let path = |leaves: &[Hash], at: usize| {
            let (siblings, peaks) = naive::range_proof(leaves, at);
            RangePath { index: at as u64, siblings, peaks }
        };
        VerifyContributionArgs {
            leaf: all[leaf],
            batch_index: batch as u64,
            contributor: self.alice,
            batch_root: naive::range_root(all),
            batch_count: all.len() as u64,
            in_batch: path(all, leaf),
            in_datanet: path(&self.batch_leaves, batch),
        }
    }

    fn verify(&mut self, args: VerifyContributionArgs) -> Result<program_tests::Sent, program_tests::Failed> {
        self.world.send(&[ix::datanet::verify_contribution(&self.datanet, args)], &[])
    }
}

/// Every leaf of every batch is proven by the naive proof.
#[test]
fn every_contribution_can_be_proven_from_its_leaves_alone() {
    let mut grown = grown(&[1, 2, 5, 8, 3]);
    for batch in 0..grown.batches.len() {
        for leaf in 0..grown.batches[batch].len() {
            let args = grown.proof(batch, leaf);
            grown.verify(args).expect("is proven");
        }
    }
}

/// Second preimages: no inner node passes as a leaf, and no proof can be shortened, extended, moved or used for another
/// tree.
#[test]
fn nothing_else_can_be_proven() {
    let mut grown = grown(&[7, 4, 6]);
    let good = grown.proof(0, 1);
    let mut wrong: Vec<(&str, VerifyContributionArgs)> = vec![];
    // Each inner node on the path is tried as a leaf with the rest of the path as its proof, with the tree's count and
    // with its own.
    let mut node = good.leaf;
    for (height, sibling) in good.in_batch.siblings.iter().enumerate() {
        let (l, r) = if good.in_batch.index >> height & 1 == 0 { (&node, sibling) } else { (sibling, &node) };
        node = mmr::node(l, r);
        for count in [good.batch_count, good.batch_count >> (height + 1)] {
            let mut args = good.clone();
            args.leaf = node;
            args.batch_count = count;
            args.in_batch.siblings.drain(..=height);
            args.in_batch.index >>= height + 1;
            wrong.push(("an inner node", args));
        }
    }
    let mut alter = |how, change: &dyn Fn(&mut VerifyContributionArgs)| {
        let mut args = good.clone();
        change(&mut args);
        wrong.push((how, args));
    };
    alter("another leaf", &|a| a.leaf = [9; 32]);
    alter("a batch as a leaf", &|a| a.leaf = a.batch_root);
    alter("a sibling more", &|a| a.in_batch.siblings.push([0; 32]));
    alter("a sibling less", &|a| a.in_batch.siblings.truncate(1));
    alter("a peak more", &|a| a.in_batch.peaks.push([0; 32]));
    alter("a peak less", &|a| a.in_batch.peaks.truncate(1));
    alter("peaks in another order", &|a| a.in_batch.peaks.reverse());
    alter("the place beside", &|a| a.in_batch.index ^= 1);
    alter("a place behind the last", &|a| a.in_batch.index = a.batch_count);
    alter("the largest place", &|a| a.in_batch.index = u64::MAX);
    alter("another count", &|a| a.batch_count += 1);
    alter("no leaves", &|a| a.batch_count = 0);
    alter("the largest count", &|a| a.batch_count = u64::MAX);
    alter("another contributor", &|a| a.contributor = Pubkey::new_from_array([1; 32]));
    alter("another batch", &|a| a.batch_index += 1);
    alter("another batch's place", &|a| a.in_datanet.index += 1);
    alter("a shorter way to the Datanet", &|a| a.in_datanet.siblings.clear());
    alter("a longer way to the Datanet", &|a| a.in_datanet.siblings.push([0; 32]));
    alter("an altered way to the Datanet", &|a| a.in_datanet.siblings[0][0] ^= 1);
    alter("an altered way to the batch", &|a| a.in_batch.siblings[0][0] ^= 1);
    for (how, args) in wrong {
        let result = grown.verify(args);
        assert!(result.is_err(), "{how} is proven");
        refused(result, DatanetError::BadProof);
    }
    grown.verify(good).expect("the right one is proven");
}
