//! Compares the reward tree with a naive model that builds the levels by hand and promotes odd nodes.

use openledger_protocol::{
    Hash32,
    hash::{Domain, sha256},
    rewards::{self, RewardTree},
};
use proptest::{collection::btree_map, prelude::*, test_runner::RngSeed};

fn naive_root(leaves: &[(Hash32, u64)]) -> Hash32 {
    fn top(level: &[Hash32]) -> Hash32 {
        match level {
            [] => [0; 32],
            [one] => *one,
            more => {
                let above: Vec<Hash32> = more
                    .chunks(2)
                    .map(|p| if p.len() == 2 { sha256(&[&[Domain::RewardNode as u8], &p[0], &p[1]]) } else { p[0] })
                    .collect();
                top(&above)
            }
        }
    }
    let hashes: Vec<_> = leaves.iter().map(|(w, a)| sha256(&[&[Domain::Reward as u8], w, &a.to_le_bytes()])).collect();
    sha256(&[&[Domain::RewardRoot as u8], &(leaves.len() as u32).to_le_bytes(), &top(&hashes)])
}

fn earnings() -> impl Strategy<Value = Vec<(Hash32, u64)>> {
    btree_map(any::<Hash32>(), 0u64..1 << 50, 1..80).prop_map(|m| m.into_iter().collect())
}

#[test]
fn every_small_tree_equals_the_naive_one_and_proves_every_wallet() {
    for n in 0..=40u8 {
        let leaves: Vec<_> = (0..n).map(|i| ([i; 32], 1000 + u64::from(i))).collect();
        let tree = RewardTree::new(leaves.iter().rev().copied()).unwrap();
        assert_eq!(tree.root(), naive_root(&leaves), "{n} wallets");
        for (wallet, lifetime) in &leaves {
            let (index, proven, proof) = tree.prove(wallet).unwrap();
            assert_eq!(proven, *lifetime);
            let root = rewards::root_from_proof(tree.count(), index, &rewards::leaf(wallet, proven), &proof);
            assert_eq!(root, Some(tree.root()));
        }
        assert_eq!(tree.prove(&[200; 32]), None);
    }
}

#[test]
fn a_wallet_with_two_leaves_or_a_total_over_u64_is_refused() {
    assert!(RewardTree::new([([1; 32], 1), ([2; 32], 1), ([1; 32], 2)]).is_err());
    assert!(RewardTree::new([([1; 32], u64::MAX), ([2; 32], 1)]).is_err());
    assert_eq!(RewardTree::new([([1; 32], u64::MAX - 1), ([2; 32], 1)]).unwrap().total(), u64::MAX);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn trees_equal_the_naive_one_whatever_the_order(leaves in earnings(), seed in any::<u64>()) {
        let mut shuffled = leaves.clone();
        shuffled.sort_by_key(|(w, _)| sha256(&[&seed.to_le_bytes(), w]));
        let tree = RewardTree::new(shuffled).unwrap();
        prop_assert_eq!(tree.leaves(), &leaves[..]);
        prop_assert_eq!(tree.root(), naive_root(&leaves));
        prop_assert_eq!(tree.total(), leaves.iter().map(|l| l.1).sum::<u64>());
    }

    #[test]
    fn a_proof_holds_for_its_own_wallet_amount_place_and_count_only(
        leaves in earnings(),
        pick in any::<prop::sample::Index>(),
        more in 1u64..1 << 40,
        other_index in 0u32..100,
        other_count in 0u32..200,
        at in any::<prop::sample::Index>(),
        bit in 0usize..256,
    ) {
        let tree = RewardTree::new(leaves.clone()).unwrap();
        let (wallet, lifetime) = leaves[pick.index(leaves.len())];
        let (index, _, proof) = tree.prove(&wallet).unwrap();
        let root = Some(tree.root());
        let from = |count, index, wallet: &Hash32, lifetime, proof: &[Hash32]| {
            rewards::root_from_proof(count, index, &rewards::leaf(wallet, lifetime), proof)
        };
        let count = tree.count();
        prop_assert_eq!(from(count, index, &wallet, lifetime, &proof), root);
        prop_assert_ne!(from(count, index, &wallet, lifetime + more, &proof), root, "more money");
        let mut thief = wallet;
        thief[bit / 8] ^= 1 << (bit % 8);
        prop_assert_ne!(from(count, index, &thief, lifetime, &proof), root, "another wallet");
        if other_count != count {
            prop_assert_ne!(from(other_count, index, &wallet, lifetime, &proof), root, "another count");
        }
        if other_index != index {
            prop_assert_ne!(from(count, other_index, &wallet, lifetime, &proof), root, "another place");
        }
        let mut longer = proof.clone();
        longer.push([0; 32]);
        prop_assert_eq!(from(count, index, &wallet, lifetime, &longer), None, "a longer proof");
        if !proof.is_empty() {
            let k = at.index(proof.len());
            prop_assert_eq!(from(count, index, &wallet, lifetime, &proof[1..]), None, "a shorter proof");
            let mut bad = proof.clone();
            bad[k][bit / 8] ^= 1 << (bit % 8);
            prop_assert_ne!(from(count, index, &wallet, lifetime, &bad), root, "a changed sibling");
        }
    }
}
