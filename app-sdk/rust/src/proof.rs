//! Proofs that a contribution is in its Datanet's root. They are built from ledger data and checked offline.

use crate::{
    api::schema::{Address, Hash},
    text::{hash_hex, hashes_hex, key_b58},
};
use openledger_protocol::{
    Hash32,
    batch::BatchLeaf,
    hash::ZERO,
    leaf::{Contribution, LeafKind},
    mmr::{self, RangeError, RangeProof},
};
use serde::{Deserialize, Serialize};
use solana_pubkey::Pubkey;
use utoipa::ToSchema;

/// Why a proof does not hold or cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The leaf's preimage does not hash to the leaf.
    #[error("the stated content does not hash to leaf {leaf}: content, author or metadata were changed")]
    Preimage {
        /// The leaf.
        leaf: String,
    },
    /// The proof is about another Datanet than the one expected.
    #[error("the contribution's {0} is not the batch's")]
    Batch(&'static str),
    /// The leaf is not in its batch.
    #[error("the leaf is not in its batch at the stated place ({0:?})")]
    InBatch(RangeError),
    /// The batch is not in its Datanet.
    #[error("the batch is not in its Datanet at the stated place ({0:?})")]
    InDatanet(RangeError),
    /// The proof leads to another root than the expected one.
    #[error("the proof leads to root {found}, not to {expected}: the Datanet has grown since, ask for a new proof")]
    Root {
        /// The root that the proof leads to.
        found: String,
        /// The expected root.
        expected: String,
    },
    /// The leaf asked for is not among those given.
    #[error("leaf {leaf} is not in the batch")]
    NoLeaf {
        /// The leaf.
        leaf: String,
    },
    /// The batch asked for is not among those given.
    #[error("the batch is not among the accepted batches of its Datanet")]
    NoBatch,
    /// A field has an impossible value.
    #[error("{0}")]
    Field(String),
}

/// The path from one leaf to the root of a Merkle mountain range.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Path {
    /// Number of leaves in the range.
    pub count: u64,
    /// Place of the leaf.
    pub index: u64,
    /// The sibling hashes from the leaf to its mountain's peak, lowest first.
    #[serde(with = "hashes_hex")]
    #[schema(value_type = Vec<Hash>)]
    pub siblings: Vec<Hash32>,
    /// The peaks of the other mountains, highest first.
    #[serde(with = "hashes_hex")]
    #[schema(value_type = Vec<Hash>)]
    pub peaks: Vec<Hash32>,
}

impl From<RangeProof> for Path {
    fn from(p: RangeProof) -> Self {
        Self { count: p.count, index: p.index, siblings: p.siblings, peaks: p.peaks }
    }
}

/// Leaves of a block. Whoever keeps the roots of a range's blocks makes a path from one block's leaves alone.
pub const BLOCK: u64 = 1 << 10;

/// The roots of the whole blocks of `leaves`, in order.
pub fn block_roots(leaves: &[Hash32]) -> Vec<Hash32> {
    leaves.chunks_exact(BLOCK as usize).filter_map(|block| peaks(block).ok()?.first().copied()).collect()
}

/// The peaks of the range over `leaves`, highest first.
fn peaks(leaves: &[Hash32]) -> Result<Vec<Hash32>, RangeError> {
    let (mut peaks, mut count) = ([ZERO; mmr::MAX_PEAKS], 0);
    for leaf in leaves {
        count = mmr::append(count, &mut peaks, *leaf)?;
    }
    Ok(peaks[..mmr::peak_count(count)].to_vec())
}

impl Path {
    /// The path of leaf `index`, in a range whose whole blocks have the roots `blocks` and are followed by the leaves
    /// `rest`. `block` are the leaves of the block that holds it. They do not matter if it is in the rest, which may be of any
    /// length.
    pub fn in_blocks(index: u64, block: &[Hash32], blocks: &[Hash32], rest: &[Hash32]) -> Result<Self, RangeError> {
        let whole = blocks.len() as u64 * BLOCK;
        let (siblings, peaks) = match index.checked_sub(whole) {
            None => {
                let (inside, outside) = (mmr::prove(block, index % BLOCK)?, mmr::prove(blocks, index / BLOCK)?);
                ([inside.siblings, outside.siblings].concat(), [outside.peaks, peaks(rest)?].concat())
            }
            Some(place) => {
                let inside = mmr::prove(rest, place)?;
                (inside.siblings, [peaks(blocks)?, inside.peaks].concat())
            }
        };
        Ok(Self { count: whole + rest.len() as u64, index, siblings, peaks })
    }

    fn verify(&self, root: &Hash32, leaf: &Hash32) -> Result<(), RangeError> {
        mmr::verify(root, self.count, self.index, leaf, &self.siblings, &self.peaks)
    }
}

/// The parts of a leaf's preimage that a [`ContributionProof`] does not hold already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Preimage {
    /// SHA-256 of the content.
    #[serde(with = "hash_hex")]
    #[schema(value_type = Hash)]
    pub content: Hash32,
    /// Kind: 0 document, 1 label, 2 correction, 3 removal.
    pub kind: u8,
    /// The leaf hash of the document that it is about. A document has zeros.
    #[serde(with = "hash_hex")]
    #[schema(value_type = Hash)]
    pub target: Hash32,
    /// SHA-256 of the canonical metadata.
    #[serde(with = "hash_hex")]
    #[schema(value_type = Hash)]
    pub metadata: Hash32,
}

impl From<Contribution> for Preimage {
    fn from(c: Contribution) -> Self {
        Self { content: c.content, kind: c.kind as u8, target: c.target, metadata: c.metadata }
    }
}

/// A proof that `leaf` by `contributor` is in the accepted batches of `datanet` under `root`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContributionProof {
    /// The leaf hash.
    #[serde(with = "hash_hex")]
    #[schema(value_type = Hash)]
    pub leaf: Hash32,
    /// The leaf's preimage, if it is known. With it the proof also proves the hashes of content and metadata.
    pub preimage: Option<Preimage>,
    /// The Datanet account.
    #[serde(with = "key_b58")]
    #[schema(value_type = Address)]
    pub datanet: Pubkey,
    /// The contributor's wallet.
    #[serde(with = "key_b58")]
    #[schema(value_type = Address)]
    pub contributor: Pubkey,
    /// Number of the batch in its Datanet, in order of opening.
    pub batch_index: u64,
    /// Root of the batch's range.
    #[serde(with = "hash_hex")]
    #[schema(value_type = Hash)]
    pub batch_root: Hash32,
    /// The path of the leaf in its batch.
    pub in_batch: Path,
    /// Root of the Datanet's range.
    #[serde(with = "hash_hex")]
    #[schema(value_type = Hash)]
    pub root: Hash32,
    /// The path of the batch in its Datanet.
    pub in_datanet: Path,
}

/// An accepted batch, as the ledger's events give it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcceptedBatch {
    /// Its number in order of opening.
    pub index: u64,
    /// The contributor's wallet.
    pub contributor: Pubkey,
    /// Root of its range.
    pub root: Hash32,
    /// Number of its contributions.
    pub count: u64,
}

impl AcceptedBatch {
    /// Turns the batch into a leaf of the range of `datanet`.
    pub fn leaf(&self, datanet: &Pubkey) -> BatchLeaf {
        BatchLeaf {
            datanet: datanet.to_bytes(),
            index: self.index,
            contributor: self.contributor.to_bytes(),
            root: self.root,
            count: self.count,
        }
    }
}

/// The range of a Datanet's accepted batches. It keeps what proofs are made of, so that a proof from a long range hashes one
/// block of it.
#[derive(Clone, Debug)]
pub struct AcceptedRange {
    datanet: Pubkey,
    batches: Vec<AcceptedBatch>,
    tops: Vec<Hash32>,
    blocks: Vec<Hash32>,
}

impl AcceptedRange {
    /// The range of *all* accepted batches of `datanet` in the order of acceptance, which is their place in the range.
    pub fn new(datanet: Pubkey, batches: Vec<AcceptedBatch>) -> Self {
        let tops: Vec<Hash32> = batches.iter().map(|batch| batch.leaf(&datanet).hash()).collect();
        let blocks = block_roots(&tops);
        Self { datanet, batches, tops, blocks }
    }

    /// Number of the batches.
    pub fn len(&self) -> usize {
        self.batches.len()
    }

    /// Whether nothing is accepted yet.
    pub fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// The batches that follow the last whole block.
    fn rest(&self) -> &[Hash32] {
        &self.tops[self.blocks.len() * BLOCK as usize..]
    }

    fn path(&self, at: usize) -> Result<Path, RangeError> {
        let block = at / BLOCK as usize * BLOCK as usize;
        let end = self.tops.len().min(block + BLOCK as usize);
        Path::in_blocks(at as u64, &self.tops[block..end], &self.blocks, self.rest())
    }

    /// The root of the range, which the Datanet's account has too.
    pub fn root(&self) -> Result<Hash32, RangeError> {
        mmr::root(self.tops.len() as u64, &[peaks(&self.blocks)?, peaks(self.rest())?].concat())
    }
}

impl ContributionProof {
    /// Builds a proof and verifies it. `accepted` are *all* accepted batches of the Datanet in the order of acceptance,
    /// which is their place in the range. `batch_index` is the number of the batch that holds the leaf. `leaves` are
    /// that batch's leaf hashes in order. Fails if the batch or the leaf is not among them, or if the inputs do not fit
    /// together.
    pub fn build(
        datanet: &Pubkey,
        accepted: &[AcceptedBatch],
        batch_index: u64,
        leaves: &[Hash32],
        leaf: &Hash32,
        preimage: Option<&Contribution>,
    ) -> Result<Self, ProofError> {
        let place = leaves.iter().position(|l| l == leaf).ok_or(ProofError::NoLeaf { leaf: hex::encode(leaf) })?;
        let in_batch = mmr::prove(leaves, place as u64).map_err(ProofError::InBatch)?.into();
        let accepted = AcceptedRange::new(*datanet, accepted.to_vec());
        Self::along(&accepted, batch_index, in_batch, leaf, preimage)
    }

    /// Like [`ContributionProof::build`], from the leaf's path in its batch.
    pub fn along(
        accepted: &AcceptedRange,
        batch_index: u64,
        in_batch: Path,
        leaf: &Hash32,
        preimage: Option<&Contribution>,
    ) -> Result<Self, ProofError> {
        let at = accepted.batches.iter().position(|b| b.index == batch_index).ok_or(ProofError::NoBatch)?;
        let batch = accepted.batches[at];
        let proof = Self {
            leaf: *leaf,
            preimage: preimage.map(|c| (*c).into()),
            datanet: accepted.datanet,
            contributor: batch.contributor,
            batch_index,
            batch_root: batch.root,
            in_batch,
            root: accepted.root().map_err(ProofError::InDatanet)?,
            in_datanet: accepted.path(at).map_err(ProofError::InDatanet)?,
        };
        // Wrong inputs, such as a missing leaf or another order, must fail here and not when a reader verifies the
        // proof.
        proof.verify()?;
        Ok(proof)
    }

    /// Checks everything that can be checked without the chain. It does not check that `root` is or was the Datanet's
    /// root. [`ContributionProof::verify_against`] compares it with a root that the reader knows.
    pub fn verify(&self) -> Result<(), ProofError> {
        if let Some(p) = &self.preimage {
            let kind = LeafKind::from_u8(p.kind)
                .ok_or_else(|| ProofError::Field(format!("there is no leaf kind {}: 0 to 3 are known", p.kind)))?;
            let stated = Contribution {
                datanet: self.datanet.to_bytes(),
                contributor: self.contributor.to_bytes(),
                content: p.content,
                kind,
                target: p.target,
                metadata: p.metadata,
            };
            if stated.hash() != self.leaf {
                return Err(ProofError::Preimage { leaf: hex::encode(self.leaf) });
            }
        }
        self.in_batch.verify(&self.batch_root, &self.leaf).map_err(ProofError::InBatch)?;
        let batch = AcceptedBatch {
            index: self.batch_index,
            contributor: self.contributor,
            root: self.batch_root,
            count: self.in_batch.count,
        };
        self.in_datanet.verify(&self.root, &batch.leaf(&self.datanet).hash()).map_err(ProofError::InDatanet)
    }

    /// Checks the proof as [`ContributionProof::verify`] does, and that it is about `datanet` and leads to `root`.
    pub fn verify_against(&self, datanet: &Pubkey, root: &Hash32) -> Result<(), ProofError> {
        if self.datanet != *datanet {
            return Err(ProofError::Batch("Datanet"));
        }
        self.verify()?;
        if self.root != *root {
            return Err(ProofError::Root { found: hex::encode(self.root), expected: hex::encode(root) });
        }
        Ok(())
    }
}

/// Computes the root of a Datanet account's range of accepted batches.
pub fn datanet_root(datanet: &datanet::state::Datanet) -> Result<Hash32, ProofError> {
    mmr::root(datanet.range.count, &datanet.range.peaks).map_err(ProofError::InDatanet)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{prelude::*, test_runner::RngSeed};

    fn hash(n: u64) -> Hash32 {
        openledger_protocol::hash::sha256(&[&n.to_le_bytes()])
    }

    /// `batches` batches of sizes 1, 2, 3… of which `place` holds the leaf at `at`.
    fn build(batches: u64, place: u64, at: u64) -> ContributionProof {
        let datanet = Pubkey::new_from_array([7; 32]);
        let leaves = |b: u64| (0..=b).map(|i| hash(1000 * b + i)).collect::<Vec<_>>();
        let accepted: Vec<_> = (0..batches)
            .map(|b| AcceptedBatch {
                index: 2 * b,
                contributor: Pubkey::new_from_array(hash(b)),
                root: mmr::root_of(&leaves(b)),
                count: b + 1,
            })
            .collect();
        let l = leaves(place);
        ContributionProof::build(&datanet, &accepted, 2 * place, &l, &l[at as usize], None).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]
        #[test]
        fn every_proof_holds_and_survives_json(batches in 1u64..12, pick in any::<u64>()) {
            let place = pick % batches;
            let proof = build(batches, place, pick % (place + 1));
            prop_assert!(proof.verify_against(&proof.datanet, &proof.root).is_ok());
            let json = serde_json::to_string(&proof).unwrap();
            prop_assert_eq!(serde_json::from_str::<ContributionProof>(&json).unwrap(), proof);
        }
    }

    #[test]
    fn a_range_of_several_blocks_has_the_root_of_all_its_batches_and_proves_each() {
        let datanet = Pubkey::new_from_array([7; 32]);
        let count = 2 * BLOCK + 37;
        let batches: Vec<_> =
            (0..count).map(|b| AcceptedBatch { index: b, contributor: datanet, root: hash(b), count: 1 }).collect();
        let tops: Vec<Hash32> = batches.iter().map(|batch| batch.leaf(&datanet).hash()).collect();
        let range = AcceptedRange::new(datanet, batches);
        let root = range.root().unwrap();
        assert_eq!(root, mmr::root_of(&tops));
        for at in [0, 1, BLOCK - 1, BLOCK, 2 * BLOCK - 1, 2 * BLOCK, count - 1] {
            let path = range.path(at as usize).unwrap();
            path.verify(&root, &tops[at as usize]).unwrap();
            assert_eq!(path, mmr::prove(&tops, at).unwrap().into(), "{at}");
        }
    }

    #[test]
    fn no_field_can_be_changed() {
        let good = build(5, 3, 2);
        let json = serde_json::to_value(&good).unwrap();
        let mut changed = 0;
        for pointer in
            ["/leaf", "/batch_root", "/root", "/in_batch/siblings/0", "/in_datanet/siblings/0", "/in_datanet/peaks/0"]
        {
            let mut bad = json.clone();
            *bad.pointer_mut(pointer).unwrap() = "11".repeat(32).into();
            assert!(serde_json::from_value::<ContributionProof>(bad).unwrap().verify().is_err(), "{pointer}");
            changed += 1;
        }
        for pointer in ["/batch_index", "/in_batch/index", "/in_batch/count", "/in_datanet/index", "/in_datanet/count"]
        {
            let mut bad = json.clone();
            let n = bad.pointer(pointer).unwrap().as_u64().unwrap();
            *bad.pointer_mut(pointer).unwrap() = (n ^ 1).into();
            assert!(serde_json::from_value::<ContributionProof>(bad).unwrap().verify().is_err(), "{pointer}");
            changed += 1;
        }
        for pointer in ["/datanet", "/contributor"] {
            let mut bad = json.clone();
            *bad.pointer_mut(pointer).unwrap() = Pubkey::new_from_array([9; 32]).to_string().into();
            assert!(serde_json::from_value::<ContributionProof>(bad).unwrap().verify().is_err(), "{pointer}");
            changed += 1;
        }
        assert_eq!(changed, 13);
        assert!(matches!(good.verify_against(&good.datanet, &[0; 32]), Err(ProofError::Root { .. })));
    }

    #[test]
    fn a_preimage_is_checked_against_the_leaf() {
        let (datanet, contributor) = (Pubkey::new_from_array([1; 32]), Pubkey::new_from_array([2; 32]));
        let c = Contribution {
            datanet: datanet.to_bytes(),
            contributor: contributor.to_bytes(),
            content: [3; 32],
            kind: LeafKind::Document,
            target: [0; 32],
            metadata: [4; 32],
        };
        let leaves = [c.hash()];
        let accepted = [AcceptedBatch { index: 0, contributor, root: mmr::root_of(&leaves), count: 1 }];
        let mut proof = ContributionProof::build(&datanet, &accepted, 0, &leaves, &leaves[0], Some(&c)).unwrap();
        assert!(proof.verify().is_ok());
        proof.preimage.as_mut().unwrap().content = [5; 32];
        assert!(matches!(proof.verify(), Err(ProofError::Preimage { .. })));
        proof.preimage.as_mut().unwrap().kind = 4;
        assert!(matches!(proof.verify(), Err(ProofError::Field(_))));
    }

    #[test]
    fn a_path_through_blocks_is_the_path_through_all_leaves() {
        for count in [1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 7 * BLOCK + 300] {
            let leaves: Vec<Hash32> = (0..count).map(hash).collect();
            let (blocks, whole) = (block_roots(&leaves), count / BLOCK * BLOCK);
            for index in [0, count / 3, count / 2, whole.saturating_sub(1), whole.min(count - 1), count - 1] {
                let first = (index / BLOCK * BLOCK) as usize;
                let block = &leaves[first..leaves.len().min(first + BLOCK as usize)];
                let path = Path::in_blocks(index, block, &blocks, &leaves[whole as usize..]).unwrap();
                assert_eq!(path, mmr::prove(&leaves, index).unwrap().into(), "{index} of {count}");
                assert_eq!(path, Path::in_blocks(index, &[], &[], &leaves).unwrap(), "without blocks");
            }
        }
    }

    #[test]
    fn a_proof_is_not_built_from_leaves_that_do_not_make_the_batch() {
        let datanet = Pubkey::new_from_array([1; 32]);
        let accepted =
            [AcceptedBatch { index: 0, contributor: datanet, root: mmr::root_of(&[hash(1), hash(2)]), count: 2 }];
        let build = |leaves: &[Hash32], leaf| ContributionProof::build(&datanet, &accepted, 0, leaves, &leaf, None);
        assert!(matches!(build(&[hash(1)], hash(1)), Err(ProofError::InBatch(_))));
        assert!(matches!(build(&[hash(2), hash(1)], hash(1)), Err(ProofError::InBatch(_))));
        assert!(matches!(build(&[hash(1), hash(2)], hash(3)), Err(ProofError::NoLeaf { .. })));
    }
}
