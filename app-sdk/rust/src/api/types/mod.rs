//! What the indexer's REST API answers. Shared by the indexer, which serves these, and everyone who asks.
//!
//! Amounts of OPEN are base units as decimal strings, since they exceed what a JavaScript number holds; hashes and leaf
//! names are 64 hex digits; account and wallet addresses and signatures are Base58; slots, counts, indices and
//! sequence numbers are numbers. Lists are newest first unless said otherwise and come as a [`Page`].

use serde::{Deserialize, Serialize};
use std::fmt;

/// An amount in base units; a decimal string in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(pub u64);

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl From<u64> for Amount {
    fn from(base_units: u64) -> Self {
        Self(base_units)
    }
}

impl From<Amount> for u64 {
    fn from(amount: Amount) -> Self {
        amount.0
    }
}

impl Serialize for Amount {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        text.parse().map(Self).map_err(|_| serde::de::Error::custom(format!("{text:?} is not an amount in base units")))
    }
}

/// Part of a list. Ask on with `?cursor=` until `next` is absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Opaque; names the next part, absent at the end.
    #[serde(skip_serializing_if = "Option::is_none", default = "none")]
    pub next: Option<String>,
}

fn none() -> Option<String> {
    None
}

/// `GET /v1/status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The indexer's version.
    pub version: String,
    /// Genesis hash of the cluster, Base58.
    pub cluster: String,
    /// Newest slot that the node reports.
    pub chain_slot: u64,
    /// Slot up to which every event is in the database.
    pub indexed_slot: u64,
    /// Slot up to which rows are final.
    pub finalized_slot: u64,
    /// Number of events held.
    pub events: u64,
    /// Subjects whose sequence numbers have a gap: empty where nothing is missing.
    pub gaps: Vec<String>,
}

/// `GET /v1/datanets`, `GET /v1/datanets/{address}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Datanet {
    /// The account.
    pub address: String,
    /// Owner or council.
    pub owner: String,
    /// The creator's number for it.
    pub id: u64,
    /// Name.
    pub name: String,
    /// Where the description lies.
    pub metadata_uri: String,
    /// SHA-256 of the description.
    pub metadata_hash: String,
    /// SPDX licence expression.
    pub licence: String,
    /// `text`, `image`, `audio` or `table`.
    pub modality: String,
    /// `open` or `permissioned`.
    pub access: String,
    /// Least bond of a batch.
    pub min_bond: Amount,
    /// Batches ever opened.
    pub batches: u64,
    /// Batches accepted.
    pub accepted: u64,
    /// Batches rejected or expired.
    pub rejected: u64,
    /// Contributions in accepted batches.
    pub contributions: u64,
    /// Number of distinct contributors with accepted batches.
    pub contributors: u64,
    /// Root of the range of accepted batches.
    pub root: String,
    /// Slot of creation.
    pub created_slot: u64,
    /// Transaction of creation.
    pub created_signature: String,
}

/// A leaf, as `GET /v1/datanets/{address}/contributions` lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contribution {
    /// The leaf hash.
    pub leaf: String,
    /// Its Datanet.
    pub datanet: String,
    /// Its batch account.
    pub batch: String,
    /// Number of the batch in its Datanet, in order of opening.
    pub batch_index: u64,
    /// Its place in the batch.
    pub place: u64,
    /// The contributor's wallet.
    pub contributor: String,
    /// `open`, `review`, `accepted`, `rejected` or `expired`.
    pub status: String,
    /// What the manifest says of it; absent where the manifest is not in the artifact store.
    pub detail: Option<ContributionDetail>,
    /// Slot in which the leaf went on the ledger.
    pub slot: u64,
    /// Transaction that carries the leaf.
    pub signature: String,
}

/// A leaf's preimage and metadata from the batch's manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContributionDetail {
    /// SHA-256 of the content.
    pub content: String,
    /// `document`, `label`, `correction` or `removal`.
    pub kind: String,
    /// The leaf that it is about.
    pub target: Option<String>,
    /// Title.
    pub title: String,
    /// Author.
    pub author: String,
    /// SPDX licence expression.
    pub licence: String,
    /// Where it is from.
    pub source: String,
}

/// `GET /v1/contributions/{leaf}`: a leaf and, once its batch is accepted, the proof that it is in its Datanet's root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContributionWithProof {
    /// The leaf.
    #[serde(flatten)]
    pub contribution: Contribution,
    /// The proof, checkable offline by [`crate::proof::ContributionProof::verify`].
    pub proof: Option<crate::proof::ContributionProof>,
}

/// A validator's part in a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// The validator's wallet.
    pub validator: String,
    /// The verdict once revealed.
    pub approve: Option<bool>,
    /// Quality in 0..=10,000 once revealed.
    pub quality: Option<u16>,
}

/// `GET /v1/batches/{address}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// The account (closed once decided).
    pub address: String,
    /// Its Datanet.
    pub datanet: String,
    /// Its number in order of opening.
    pub index: u64,
    /// The contributor's wallet.
    pub contributor: String,
    /// `open`, `review`, `accepted`, `rejected` or `expired`.
    pub status: String,
    /// Number of contributions.
    pub count: u64,
    /// Bond.
    pub bond: Amount,
    /// Root of its range, once submitted.
    pub root: Option<String>,
    /// SHA-256 of its manifest, once submitted.
    pub manifest: Option<String>,
    /// Last slot to commit, once submitted.
    pub commit_until: Option<u64>,
    /// Last slot to reveal, once submitted.
    pub reveal_until: Option<u64>,
    /// Its place in its Datanet's range, once accepted.
    pub place: Option<u64>,
    /// Mean quality of the approving verdicts, once accepted.
    pub quality: Option<u16>,
    /// The panel's work so far.
    pub reviews: Vec<Review>,
    /// Slot of opening.
    pub opened_slot: u64,
    /// Slot of the decision.
    pub decided_slot: Option<u64>,
}

/// A Datanet as a job reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The Datanet.
    pub datanet: String,
    /// Its root then.
    pub root: String,
    /// Number of accepted batches then.
    pub batches: u64,
}

/// `GET /v1/models`, `GET /v1/models/{address}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// The account.
    pub address: String,
    /// Who is paid for it.
    pub owner: String,
    /// The creator's number for it.
    pub id: u64,
    /// Name.
    pub name: String,
    /// SHA-256 of the base model's file.
    pub base_hash: String,
    /// The model whose adapter it builds on.
    pub parent: Option<String>,
    /// SHA-256 of the adapter's file, once trained.
    pub adapter_hash: Option<String>,
    /// SHA-256 of the training manifest, once trained.
    pub manifest_hash: Option<String>,
    /// The job that made the adapter.
    pub job: Option<String>,
    /// Datanets that the adapter was trained on.
    pub snapshots: Vec<Snapshot>,
    /// Price of 1,000 prompt tokens.
    pub price_in: Amount,
    /// Price of 1,000 completion tokens.
    pub price_out: Amount,
    /// `draft`, `ready` or `retired`.
    pub status: String,
    /// Answers paid for.
    pub answers: u64,
    /// Sum of all fees.
    pub fees: Amount,
    /// Slot of registration.
    pub created_slot: u64,
}

/// What an operator was paid for which work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComputeShare {
    /// The operator's wallet.
    pub operator: String,
    /// Work units.
    pub units: Amount,
    /// Pay.
    pub amount: Amount,
}

/// `GET /v1/jobs`, `GET /v1/jobs/{address}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// The account.
    pub address: String,
    /// The model it is for.
    pub model: String,
    /// Its number for that model.
    pub number: u64,
    /// Who pays.
    pub requester: String,
    /// SHA-256 of the training config.
    pub config_hash: String,
    /// Seed; a string because it uses all 64 bits.
    pub seed: Amount,
    /// Datanets it reads.
    pub snapshots: Vec<Snapshot>,
    /// Budget put into escrow.
    pub budget: Amount,
    /// `requested`, `running`, `attested`, `cancelled` or `expired`.
    pub status: String,
    /// The operator that trains.
    pub operator: Option<String>,
    /// Last slot for a result, once running.
    pub deadline_slot: Option<u64>,
    /// Merkle root of the training log, once posted.
    pub log_root: Option<String>,
    /// SHA-256 of the adapter's file, once attested.
    pub adapter_hash: Option<String>,
    /// SHA-256 of the training manifest, once attested.
    pub manifest_hash: Option<String>,
    /// Who was paid for what.
    pub compute: Vec<ComputeShare>,
    /// Paid for compute.
    pub paid: Amount,
    /// Due to the contributors' pool.
    pub data_share: Amount,
    /// Paid into the contributors' pool.
    pub data_paid: Amount,
    /// Returned to the requester.
    pub refunded: Amount,
    /// Slot of the request.
    pub requested_slot: u64,
    /// Slot of the end.
    pub ended_slot: Option<u64>,
}

/// How a fee was divided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeParts {
    /// Part of the treasury.
    pub treasury: Amount,
    /// Part of the model's owner.
    pub model_owner: Amount,
    /// Part of the parent model's owner.
    pub upstream: Amount,
    /// Part of the operator.
    pub compute: Amount,
    /// Part of the validators' pool.
    pub validators: Amount,
    /// Part of the contributors' pool.
    pub contributors: Amount,
}

/// `GET /v1/receipts`, and with the answer `GET /v1/receipts/{request}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptRow {
    /// The request's name.
    pub request: String,
    /// Who paid.
    pub payer: String,
    /// The model.
    pub model: String,
    /// The operator's wallet.
    pub operator: String,
    /// The whole fee.
    pub amount: Amount,
    /// How it was divided.
    pub parts: FeeParts,
    /// The payout epoch that it belongs to.
    pub epoch: u64,
    /// Slot of the payment.
    pub slot: u64,
    /// Transaction of the payment.
    pub signature: String,
    /// The signed answer from the artifact store: only in `GET /v1/receipts/{request}`, and once answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<crate::receipt::Answer>,
}

/// `GET /v1/funding`: a payment into a pool that is no answer's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Funding {
    /// `contributors` or `validators`.
    pub pool: String,
    /// What it is for, in the payer's words.
    pub subject: String,
    /// Who paid.
    pub payer: String,
    /// Base units.
    pub amount: Amount,
    /// The payout epoch that it belongs to.
    pub epoch: u64,
    /// The training job whose data share it is, proven by the job's signature.
    pub job: Option<String>,
    /// That job's model.
    pub model: Option<String>,
    /// The shard that took it.
    pub shard: String,
    /// Slot of the payment.
    pub slot: u64,
    /// Transaction of the payment.
    pub signature: String,
}

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

/// `GET /v1/wallets/{wallet}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wallet {
    /// The wallet.
    pub address: String,
    /// OPEN in its own token account.
    pub balance: Amount,
    /// Lifetime earnings as a contributor, by the active settlement.
    pub earned_contributing: Amount,
    /// Lifetime earnings as a validator, by the active settlement.
    pub earned_validating: Amount,
    /// Received as a model's owner (upstream shares included).
    pub earned_models: Amount,
    /// Received for answering and training.
    pub earned_compute: Amount,
    /// Claimed from both pools.
    pub claimed: Amount,
    /// What claims would pay now.
    pub claimable: Amount,
    /// Staked as an operator.
    pub staked_operator: Amount,
    /// Staked as a validator.
    pub staked_validator: Amount,
    /// Accepted contributions.
    pub contributions: u64,
    /// Answers paid for.
    pub answers: u64,
    /// Sum paid for answers.
    pub spent: Amount,
}

/// `GET /v1/operators`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operator {
    /// The operator account.
    pub address: String,
    /// Its wallet.
    pub owner: String,
    /// Its identity key.
    pub identity: String,
    /// HTTP base URL.
    pub endpoint: String,
    /// `train`, `serve`, `attribute`.
    pub capabilities: Vec<String>,
    /// Bonded stake.
    pub staked: Amount,
    /// Answers given.
    pub answers: u64,
    /// Received for answering and training.
    pub earned: Amount,
}

/// `GET /v1/committees`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Committee {
    /// The committee account.
    pub address: String,
    /// Its epoch.
    pub epoch: u64,
    /// `forming`, `confirming`, `active` or `retired`.
    pub status: String,
    /// How many must sign.
    pub threshold: u16,
    /// Number of members once complete.
    pub size: u16,
    /// Group key in hex, once confirmed.
    pub group_key: Option<String>,
    /// Wallets of the members, in order.
    pub members: Vec<String>,
    /// Those that have confirmed the group key.
    pub confirmed: Vec<String>,
    /// Slot of activation.
    pub active_slot: Option<u64>,
}

/// An event, `GET /v1/events?after=`; oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRow {
    /// Number of the row: pass the last one as `after` to go on.
    pub id: u64,
    /// Slot.
    pub slot: u64,
    /// Transaction.
    pub signature: String,
    /// Place among the transaction's events.
    pub ordinal: u32,
    /// The program's name.
    pub program: String,
    /// The event's name ([`crate::Event::name`]).
    pub name: String,
    /// The account whose sequence it counts in.
    pub subject: String,
    /// Its number among its subject's events.
    pub sequence: u64,
    /// Its fields ([`crate::Event::to_json`]).
    pub data: serde_json::Value,
    /// Whether its slot is final.
    pub finalized: bool,
    /// Unix time of the block, where known.
    pub block_time: Option<i64>,
}

/// What every refusal of the API says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// What is wrong and what to do.
    pub error: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_strings_in_json_and_nothing_else_is_read_as_one() {
        assert_eq!(serde_json::to_string(&Amount(u64::MAX)).unwrap(), "\"18446744073709551615\"");
        assert_eq!(serde_json::from_str::<Amount>("\"42\"").unwrap(), Amount(42));
        for bad in ["42", "\"-1\"", "\"1.5\"", "\"18446744073709551616\"", "\"\""] {
            assert!(serde_json::from_str::<Amount>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_page_without_next_is_the_last() {
        let page: Page<u32> = serde_json::from_str(r#"{"items":[1,2]}"#).unwrap();
        assert_eq!(page, Page { items: vec![1, 2], next: None });
        assert_eq!(serde_json::to_string(&page).unwrap(), r#"{"items":[1,2]}"#);
    }
}
