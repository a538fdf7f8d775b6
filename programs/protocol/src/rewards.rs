//! The cumulative reward tree. It has one leaf for each wallet, `(wallet, lifetime earned)`, so that one proof claims
//! everything that the wallet ever earned.
//!
//! It is a binary Merkle tree over the leaves in ascending order of wallet. An odd node at the end of a level is
//! promoted. The root is `H(RewardRoot ‖ count ‖ top)`. Index and count fix the shape of a proof, so a proof cannot be
//! shortened, extended or moved.

use crate::hash::{Domain, Hash32, sha256, tagged2};

/// Hash of a wallet's leaf: `SHA-256(0x04 ‖ wallet ‖ lifetime)`. `lifetime` is in base units, little-endian.
pub fn leaf(wallet: &Hash32, lifetime: u64) -> Hash32 {
    tagged2(Domain::Reward, wallet, &lifetime.to_le_bytes())
}

/// The root over `count` leaves whose top node is `top`.
pub fn root(count: u32, top: &Hash32) -> Hash32 {
    tagged2(Domain::RewardRoot, &count.to_le_bytes(), top)
}

/// The root that a proof leads to. `None` if the proof's length does not fit `index` and `count`.
pub fn root_from_proof(count: u32, index: u32, leaf: &Hash32, proof: &[Hash32]) -> Option<Hash32> {
    if index >= count {
        return None;
    }
    let (mut width, mut at, mut node, mut used) = (count, index, *leaf, 0usize);
    while width > 1 {
        let promoted = at == width - 1 && width & 1 == 1;
        if !promoted {
            let sibling = proof.get(used)?;
            used += 1;
            let (l, r) = if at & 1 == 0 { (&node, sibling) } else { (sibling, &node) };
            node = sha256(&[&[Domain::RewardNode as u8], l, r]);
        }
        at >>= 1;
        width = width.div_ceil(2);
    }
    (used == proof.len()).then(|| root(count, &node))
}

/// A reward tree with its leaves. Operators sign its root and publish its leaves; claimants make their proofs from it.
#[cfg(any(feature = "std", test))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RewardTree {
    leaves: std::vec::Vec<(Hash32, u64)>,
    levels: std::vec::Vec<std::vec::Vec<Hash32>>,
}

#[cfg(any(feature = "std", test))]
impl RewardTree {
    /// Builds the tree over `(wallet, lifetime)`. Fails if a wallet is named twice, if the total exceeds `u64::MAX`, or
    /// if there are more than `u32::MAX` wallets.
    pub fn new(lifetimes: impl IntoIterator<Item = (Hash32, u64)>) -> Result<Self, &'static str> {
        let mut leaves: std::vec::Vec<_> = lifetimes.into_iter().collect();
        leaves.sort_unstable();
        if u32::try_from(leaves.len()).is_err() {
            return Err("more than 2^32 - 1 wallets do not fit in one tree");
        }
        if leaves.windows(2).any(|w| w[0].0 == w[1].0) {
            return Err("a wallet has two leaves: add its earnings up first");
        }
        leaves.iter().try_fold(0u64, |t, l| t.checked_add(l.1)).ok_or("the lifetime total exceeds u64")?;
        let mut levels = std::vec![leaves.iter().map(|(w, a)| leaf(w, *a)).collect::<std::vec::Vec<_>>()];
        while levels.last().is_some_and(|l| l.len() > 1) {
            let below = levels.last().expect("not empty");
            let level = below
                .chunks(2)
                .map(|p| match p {
                    [l, r] => sha256(&[&[Domain::RewardNode as u8], l, r]),
                    _ => p[0],
                })
                .collect();
            levels.push(level);
        }
        Ok(Self { leaves, levels })
    }

    /// The leaves in ascending order of wallet.
    pub fn leaves(&self) -> &[(Hash32, u64)] {
        &self.leaves
    }

    /// Number of leaves.
    pub fn count(&self) -> u32 {
        self.leaves.len() as u32
    }

    /// Sum of all lifetimes.
    pub fn total(&self) -> u64 {
        self.leaves.iter().map(|l| l.1).sum()
    }

    /// The root. The root of an empty tree is over the zero hash.
    pub fn root(&self) -> Hash32 {
        let top = self.levels.last().and_then(|l| l.first()).copied().unwrap_or(crate::hash::ZERO);
        root(self.count(), &top)
    }

    /// `(index, lifetime, proof)` of a wallet, if it has a leaf.
    pub fn prove(&self, wallet: &Hash32) -> Option<(u32, u64, std::vec::Vec<Hash32>)> {
        let index = self.leaves.binary_search_by(|l| l.0.cmp(wallet)).ok()?;
        let (mut at, mut proof) = (index, std::vec::Vec::new());
        for level in &self.levels[..self.levels.len() - 1] {
            if let Some(sibling) = level.get(at ^ 1) {
                proof.push(*sibling);
            }
            at >>= 1;
        }
        Some((index as u32, self.leaves[index].1, proof))
    }
}
