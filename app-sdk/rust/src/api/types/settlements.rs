//! Settlements of epochs, and the claims of a wallet against the active settlement.

use super::super::schema::{Address, ChallengeStatus, Hash, RewardPool, SettlementStatus, Signature};
use crate::amount::Amount;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The root of a pool's reward tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PoolRoot {
    /// Root of the reward tree.
    #[schema(value_type = Hash)]
    pub root: String,
    /// Number of its leaves.
    pub leaves: u32,
    /// Sum of everything that was ever earned from this pool.
    pub lifetime_total: Amount,
    /// Sum of everything that was paid into it until the posting.
    pub funded: Amount,
}

/// `GET /v1/settlements`, `GET /v1/settlements/{epoch}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Settlement {
    /// The epoch.
    pub epoch: u64,
    /// `posted`, `challenged`, `rejected` or `active`.
    #[schema(value_type = SettlementStatus)]
    pub status: String,
    /// The contributors' pool.
    pub contributors: PoolRoot,
    /// The validators' pool.
    pub validators: PoolRoot,
    /// Merkle root over the members' signed observations.
    #[schema(value_type = Hash)]
    pub observations_root: String,
    /// SHA-256 of the published report: a blob in the artifact store.
    #[schema(value_type = Hash)]
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
    #[schema(value_type = Signature)]
    pub signature: String,
}

/// A wallet's claim against one pool's active root, with its proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClaimProof {
    /// `contributors` or `validators`.
    #[schema(value_type = RewardPool)]
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
    #[schema(value_type = Vec<Hash>)]
    pub proof: Vec<String>,
}

/// `GET /v1/claims/{wallet}`. `pools` is empty if the wallet never earned anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClaimProofs {
    /// The wallet.
    #[schema(value_type = Address)]
    pub wallet: String,
    /// The wallet's claims, at most one for each pool.
    pub pools: Vec<ClaimProof>,
}

/// `GET /v1/challenges`, `GET /v1/challenges/{address}`: a challenge of a settlement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Challenge {
    /// The account. It is closed once the challenge has ended.
    #[schema(value_type = Address)]
    pub address: String,
    /// The epoch whose settlement it is about.
    pub epoch: u64,
    /// The challenger's wallet.
    #[schema(value_type = Address)]
    pub challenger: String,
    /// The bond.
    pub bond: Amount,
    /// SHA-256 of the published evidence.
    #[schema(value_type = Hash)]
    pub evidence_hash: String,
    /// Where the evidence is published.
    pub evidence_uri: String,
    /// Last slot in which the authority may decide.
    pub resolve_by: u64,
    /// `open`; `dismissed`: the settlement was right, and the bond is lost; `upheld`: it was wrong, and was rejected;
    /// `expired`: nobody decided in time.
    #[schema(value_type = ChallengeStatus)]
    pub status: String,
    /// The token account that the bond went to.
    #[schema(value_type = Option<Address>)]
    pub recipient: Option<String>,
    /// What went there.
    pub released: Option<Amount>,
    /// Slot of the challenge.
    pub challenged_slot: u64,
    /// Slot of its end.
    pub resolved_slot: Option<u64>,
    /// Transaction of the challenge.
    #[schema(value_type = Signature)]
    pub signature: String,
}
