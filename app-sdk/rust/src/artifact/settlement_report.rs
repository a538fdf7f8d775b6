//! How an epoch's pools were divided: published with every settlement, so that anyone can add it up again.

use serde::{Deserialize, Serialize};

/// The report of a settlement. Its hash is in the attested arguments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SettlementReport {
    /// Version of this format.
    pub version: u32,
    /// The epoch.
    pub epoch: u64,
    /// Last slot whose payments are counted.
    pub cutoff_slot: u64,
    /// SHA-256 of the report before, whose lifetimes this one adds to; `None` for the first.
    pub previous: Option<String>,
    /// Attribution method and version.
    pub method: String,
    /// Payments for answers, by request.
    pub answers: Vec<CountedAnswer>,
    /// What was paid into the pools beside the answers' fees, oldest first: training jobs' data shares, and gifts.
    #[serde(default)]
    pub funded: Vec<CountedFunding>,
    /// The models that gave the answers, by address.
    pub models: Vec<ModelReport>,
    /// The agreed share of each document that a model was trained on, model after model.
    pub documents: Vec<DocumentScore>,
    /// What no document earned, in parts per million: the shares and this are a million, or nothing was to be divided.
    /// It stays in the pools and is divided with the next epoch.
    pub unallocated: u64,
    /// What each member observed; the documents' shares and what is unallocated are the elementwise median.
    pub observations: Vec<RevealedScores>,
    /// Root over the signed observations.
    pub observations_root: String,
    /// Contributors' pool, then validators' pool.
    pub pools: Vec<PoolReport>,
}

/// A payment for an answer that the epoch divides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CountedAnswer {
    /// The request.
    pub request: String,
    /// The model.
    pub model: String,
    /// The job whose documents it pays.
    pub job: String,
    /// Whether the artifact store has its answer, which then says whom it pays; otherwise the validation loss does.
    pub answered: bool,
    /// Its part of the contributors' pool.
    pub contributors: String,
    /// Its part of the validators' pool.
    pub validators: String,
}

/// A payment into a pool that is no answer's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CountedFunding {
    /// `contributors` or `validators`.
    pub pool: String,
    /// What it is for: of a data share the job.
    pub subject: String,
    /// Who paid: of a data share the job.
    pub payer: String,
    /// Base units.
    pub amount: String,
}

/// What a model's documents were paid for and by which rules: the attributed functional is (fees · mean loss of its
/// answers by their fees + (unanswered + data share) · validation loss) / (fees + unanswered + data share).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelReport {
    /// The model.
    pub model: String,
    /// The job that trained it.
    pub job: String,
    /// SHA-256 of the job's [`JobConfig`](super::JobConfig): every setting of attribution and pay.
    pub config: String,
    /// SHA-256 of the rules of pay as they were applied, with their version.
    pub pay: String,
    /// What its answers put into the contributors' pool, base units.
    pub fees: String,
    /// What payments without a known answer and debits of prepaid balances put there, base units.
    pub unanswered: String,
    /// What its training put there, base units.
    pub data_share: String,
    /// Documents that repeat others and earn nothing.
    pub repeated: Vec<RepeatedDocument>,
}

/// A document that repeats an earlier one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RepeatedDocument {
    /// Leaf hash.
    pub leaf: String,
    /// The Datanet's account.
    pub datanet: String,
    /// The contributor's wallet.
    pub owner: String,
    /// Leaf hash of the document that it repeats.
    pub of: String,
    /// `exact`, `near` or `verbatim` by text, and then it was not trained on; or `gradient`.
    pub by: String,
}

/// A document's share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DocumentScore {
    /// Leaf hash.
    pub leaf: String,
    /// The Datanet's account.
    pub datanet: String,
    /// The contributor's wallet.
    pub owner: String,
    /// Validators that approved its batch.
    pub approved_by: Vec<String>,
    /// Parts per million of the epoch's pools.
    pub ppm: u64,
}

/// One member's observation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RevealedScores {
    /// The operator's wallet.
    pub operator: String,
    /// Parts per million, in the order of the documents; what is unallocated comes last.
    pub ppm: Vec<u64>,
    /// Sum of absolute differences to the median, in parts per million.
    pub distance: u64,
    /// The operator's signature over its observation, by its identity key.
    pub signature: String,
}

/// A pool's cumulative tree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PoolReport {
    /// `(wallet, lifetime earned)` in ascending order of the wallet's bytes.
    pub leaves: Vec<(String, String)>,
    /// Root of the reward tree over them.
    pub root: String,
    /// Their sum.
    pub lifetime_total: String,
    /// What this epoch added.
    pub added: String,
    /// What was paid in and not divided, in this epoch or before: the next epoch divides it too.
    pub carried: String,
}
