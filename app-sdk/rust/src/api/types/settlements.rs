//! Settlements of an epoch, and what a wallet can claim by the active one.

use crate::amount::Amount;
use serde::{Deserialize, Serialize};

/// A pool's tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolRoot {
    /// Root of the reward tree.
    pub root: String,
    /// Number of its leaves.
    pub leaves: u32,
    /// Everything ever earned from this pool.
    pub lifetime_total: Amount,
    /// Everything ever paid into it at the time of posting.
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

/// What a wallet can prove against one pool's active root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimProof {
    /// `contributors` or `validators`.
    pub pool: String,
    /// Everything ever earned by the active settlement.
    pub lifetime: Amount,
    /// Claimed so far.
    pub claimed: Amount,
    /// What a claim would pay now.
    pub claimable: Amount,
    /// Epoch of the active settlement.
    pub epoch: u64,
    /// Place of the wallet's leaf.
    pub index: u32,
    /// Sibling hashes, lowest first.
    pub proof: Vec<String>,
}

/// `GET /v1/claims/{wallet}`: nothing in `pools` where the wallet never earned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimProofs {
    /// The wallet.
    pub wallet: String,
    /// At most one for each pool.
    pub pools: Vec<ClaimProof>,
}
