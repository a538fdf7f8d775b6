//! M2: claims pay exactly what a tree built from its definition says, for trees of every shape.

use crate::naive;
use ::payout::{
    error::PayoutError,
    instructions::ClaimArgs,
    state::{Pool, PoolRoot},
};
use openledger_interface::ix;
use program_tests::{
    OPEN,
    payout::{self, settlement_args, tree},
    refused,
    town::Town,
};
use solana_keypair::Signer;
use solana_pubkey::Pubkey;

type Hash = [u8; 32];

/// Each settlement is over more wallets than the last. Every wallet claims with the naive proof and gets its new
/// earnings.
#[test]
fn every_leaf_of_every_shape_can_be_claimed_and_nothing_else() {
    let mut town = Town::new();
    let (payer, market) = (town.rival.insecure_clone(), town.market.clone());
    for shard in 0..2 {
        let pay = market.pay(town.world(), &payer.pubkey(), shard, [9; 32], 5_000 * OPEN);
        town.world().send(&[pay], &[&payer]).expect("pays");
    }
    // The town's earlier earnings stay in the tree.
    let mut leaves: Vec<(Hash, u64)> = town.trees[0].leaves().to_vec();
    let review = town.trees[1].clone();
    let mut new = vec![];
    for size in [5usize, 6, 7, 8, 9, 13, 16, 17] {
        while leaves.len() < size {
            let wallet = town.world().wallet(0).pubkey();
            leaves.push((wallet.to_bytes(), 0));
            new.push(wallet);
        }
        for (n, wallet) in new.iter().enumerate() {
            let leaf = leaves.iter_mut().find(|(w, _)| *w == wallet.to_bytes()).expect("has a leaf");
            leaf.1 += OPEN + n as u64;
        }
        let total = leaves.iter().map(|(_, l)| l).sum();
        let root = PoolRoot { root: naive::reward_root(&leaves), leaves: size as u32, lifetime_total: total };
        town.world().pass(payout::EPOCH_SLOTS);
        let mut args = settlement_args(town.world(), [&tree(&[]), &review]);
        args.pools[0] = root;
        market.post(town.world(), &args).expect("posts");
        town.world().pass(payout::CHALLENGE_SLOTS);
        town.world().send(&[ix::payout::activate_settlement(args.epoch)], &[]).expect("activates");
        for (n, wallet) in new.iter().enumerate() {
            claim_once(&mut town, &leaves, wallet, (n % 2) as u8, OPEN + n as u64);
        }
        inner_nodes_are_no_leaves(&mut town, &leaves, &new[0]);
    }
}

fn claim_once(town: &mut Town, leaves: &[(Hash, u64)], wallet: &Pubkey, shard: u8, due: u64) {
    let payer = town.rival.insecure_clone();
    let (index, proof) = naive::reward_proof(leaves, &wallet.to_bytes());
    let lifetime = leaves.iter().find(|(w, _)| *w == wallet.to_bytes()).expect("has a leaf").1;
    let args = ClaimArgs { pool: Pool::Contributors, lifetime, index, proof };
    let claim = ix::payout::claim(&payer.pubkey(), wallet, &town.world().mint, shard, args);
    let before = town.world().open_of(wallet);
    town.world().send(std::slice::from_ref(&claim), &[&payer]).expect("claims");
    assert_eq!(town.world().open_of(wallet) - before, due);
    refused(town.world().send(&[claim], &[&payer]), PayoutError::NothingToClaim);
}

/// Second preimages: no proof is accepted cut, extended, at another index, or with another level's nodes.
fn inner_nodes_are_no_leaves(town: &mut Town, leaves: &[(Hash, u64)], wallet: &Pubkey) {
    let (payer, stranger) = (town.rival.insecure_clone(), town.lab.owner.pubkey());
    let (index, proof) = naive::reward_proof(leaves, &wallet.to_bytes());
    let levels = naive::reward_levels(leaves);
    let mut wrong = vec![];
    for cut in 1..=proof.len() {
        wrong.push((index >> cut, proof[cut..].to_vec()));
        wrong.push((index, proof[..proof.len() - cut].to_vec()));
    }
    for level in &levels {
        wrong.push((index, [proof.clone(), vec![level[0]]].concat()));
        wrong.push((index, [vec![level[0]], proof.clone()].concat()));
    }
    wrong.extend([index ^ 1, index + 1, leaves.len() as u32, u32::MAX].map(|index| (index, proof.clone())));
    for (index, proof) in wrong {
        for wallet in [*wallet, stranger] {
            let args = ClaimArgs { pool: Pool::Contributors, lifetime: 1_000 * OPEN, index, proof: proof.clone() };
            let claim = ix::payout::claim(&payer.pubkey(), &wallet, &town.world().mint, 0, args);
            refused(town.world().send(&[claim], &[&payer]), PayoutError::BadProof);
        }
    }
}
