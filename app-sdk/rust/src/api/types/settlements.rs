//! Settlements of epochs, and the claims of a wallet against the active settlement.

use crate::amount::Amount;
use serde::{Deserialize, Serialize};

/// The root of a pool's reward tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolRoot {
    /// Root of the reward tree.
    pub root: String,
    /// Number of its leaves.
    pub leaves: u32,
    /// Sum of everything that was ever earned from this pool.
    pub lifetime_total: Amount,
    /// Sum of everything that was paid into it until the posting.
    pub funded: Amount,
}

/// `GET /v1/settlements`, `GET /v1/settlements/{epoch}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settlement {
    /// The epoch.
    pub epoch: u64,
    /// `posted`, `challenged`, `rejected` or `active`.
    pub status: String,
    /// The contributors' pool.
    pub contributors: PoolRoot,
    /// The validators' pool.
    pub validators: PoolRoot,
    /// Merkle root over the members' signed observations.
    pub observations_root: String,
    /// SHA-256 of the published report: a blob in the artifact store.
    pub report_hash: String,
    /// Last slot whose payments are counted.
    pub cutoff_slot: u64,
    /// First slot in which it may be activated.
    pub active_after: u64,
    /// Epoch of the committee that attested.
    pub committee_epoch: u64,
    /// Slot of posting.
    pub posted_slot: u64,
    /// Transaction of posting.
    pub signature: String,
}

/// A wallet's claim against one pool's active root, with its proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimProof {
    /// `contributors` or `validators`.
    pub pool: String,
    /// Everything that the wallet ever earned from the pool, according to the active settlement.
    pub lifetime: Amount,
    /// Base units claimed so far.
    pub claimed: Amount,
    /// Base units that a claim would pay now.
    pub claimable: Amount,
    /// Epoch of the active settlement.
    pub epoch: u64,
    /// Place of the wallet's leaf.
    pub index: u32,
    /// Sibling hashes, lowest first.
    pub proof: Vec<String>,
}

/// `GET /v1/claims/{wallet}`. `pools` is empty if the wallet never earned anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimProofs {
    /// The wallet.
    pub wallet: String,
    /// The wallet's claims, at most one for each pool.
    pub pools: Vec<ClaimProof>,
}
