//! The report on how an epoch's pools were divided. It is published with every settlement, so that anyone can check the
//! sums.

use super::Method;
use crate::{
    amount::Amount,
    text::{hash_hex, hash_hex_opt, key_b58, key_b58_opt, keys_b58, signature_hex},
};
use openledger_protocol::Hash32;
use serde::{Deserialize, Serialize};
use solana_pubkey::Pubkey;
use std::fmt;

/// The report of a settlement. Its hash is in the attested arguments.
///
/// It is the sum of its [`answers`](Self::answers) and of what its [`models`](Self::models) divide by their training
/// weights. Anybody who has the weights' blobs can add it up again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SettlementReport {
    /// Version of this format: [`SettlementReport::VERSION`].
    pub version: u32,
    /// The epoch.
    pub epoch: u64,
    /// Last slot whose payments are counted.
    pub cutoff_slot: u64,
    /// SHA-256 of the previous report, to whose lifetime amounts this one adds. `None` for the first report.
    #[serde(default, with = "hash_hex_opt")]
    pub previous: Option<Hash32>,
    /// Largest distance of a receipt's weights from those that members worked out at which the receipt holds, in parts
    /// per million.
    pub band_ppm: u64,
    /// Payments for answers, the largest first: those of the epoch, and those that earlier epochs held over.
    pub answers: Vec<CountedAnswer>,
    /// Payments into the pools besides the answers' fees, oldest first: training jobs' data shares, and gifts.
    #[serde(default)]
    pub funded: Vec<CountedFunding>,
    /// The models and training jobs whose documents the epoch pays, in ascending order of their addresses.
    pub models: Vec<ModelReport>,
    /// What each document earned for each job, ordered by job and leaf. Documents that earned nothing are left out.
    pub documents: Vec<DocumentEarned>,
    /// What each member observed. Which answers count follows from it.
    pub observations: Vec<Observed>,
    /// Root over the signed observations.
    #[serde(with = "hash_hex")]
    pub observations_root: Hash32,
    /// Every pool once, in the order of [`PoolName::ALL`].
    pub pools: Vec<PoolReport>,
}

impl SettlementReport {
    /// The version that this crate writes.
    pub const VERSION: u32 = 6;

    /// Reads a report's JSON. Reports of another version are refused by that name, not by the first field that differs.
    pub fn read(json: &[u8]) -> serde_json::Result<Self> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let Versioned { version } = serde_json::from_slice(json)?;
        if version != Self::VERSION {
            let text = format!("it is of version {version}, and this software reads version {}", Self::VERSION);
            return Err(serde::de::Error::custom(text));
        }
        serde_json::from_slice(json)
    }

    /// Returns the report's part about a pool.
    pub fn pool(&self, name: PoolName) -> Option<&PoolReport> {
        self.pools.iter().find(|p| p.pool == name)
    }
}

/// A payment for an answer that this epoch counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CountedAnswer {
    /// The request.
    #[serde(with = "hash_hex")]
    pub request: Hash32,
    /// The model.
    #[serde(with = "key_b58")]
    pub model: Pubkey,
    /// The operator that was paid for it.
    #[serde(with = "key_b58")]
    pub operator: Pubkey,
    /// The payment's transaction, Base58.
    pub transaction: String,
    /// Slot of the payment.
    pub slot: u64,
    /// The job whose documents, with those that it inherited from its parents, the payment is divided among.
    #[serde(with = "key_b58")]
    pub job: Pubkey,
    /// By what it is divided.
    pub divided: Divided,
    /// Its part for the contributors' pool.
    pub contributors: Amount,
    /// Its part for the validators' pool.
    pub validators: Amount,
}

/// By what a payment for an answer is divided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by", deny_unknown_fields)]
pub enum Divided {
    /// By the weights that the answer's receipt names.
    Receipt {
        /// SHA-256 of the answer's canonical JSON.
        #[serde(with = "hash_hex")]
        answer: Hash32,
        /// Hash of the blob with the weights.
        #[serde(with = "hash_hex")]
        weights: Hash32,
        /// Median distance of the weights from those that members worked out, in parts per million.
        distance: u64,
    },
    /// By the job's training weights, because no answer counts.
    Training {
        /// Why no answer counts.
        because: NoAnswer,
    },
    /// Not in this epoch: too few members could work it out. The next settlement tries again.
    Held {
        /// In how many settlements it was held over, this one included.
        times: u32,
    },
}

/// Why a payment has no answer that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoAnswer {
    /// There is no answer to it that is well formed and signed by the operator that was paid.
    Missing,
    /// The weights of its receipt are not those of the answer.
    Weights,
    /// Too few members could work the answer out, in as many settlements as it is held over at most.
    HeldTooOften,
}

/// A payment into a pool that is not for an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CountedFunding {
    /// The pool that it was paid into.
    pub pool: PoolName,
    /// The account that the payment is for. For a data share it is the job.
    #[serde(with = "key_b58")]
    pub subject: Pubkey,
    /// The payer. For a data share it is the job.
    #[serde(with = "key_b58")]
    pub payer: Pubkey,
    /// Amount in base units.
    pub amount: Amount,
    /// The training job whose data share it is. `None` for a gift.
    #[serde(default, with = "key_b58_opt", skip_serializing_if = "Option::is_none")]
    pub job: Option<Pubkey>,
    /// Whether it waits for the next settlement, because too few members could work out the job's training weights.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
}

/// What a job's documents divide besides fees of answers, and by which rules.
///
/// Payments without an answer that counts and the job's data share are divided by the job's training weights. The
/// attested training manifest names them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelReport {
    /// The model.
    #[serde(with = "key_b58")]
    pub model: Pubkey,
    /// The job that trained it.
    #[serde(with = "key_b58")]
    pub job: Pubkey,
    /// SHA-256 of the job's [`JobConfig`](super::JobConfig): every setting of attribution and pay.
    #[serde(with = "hash_hex")]
    pub config: Hash32,
    /// SHA-256 of the job's [`TrainingManifest`](super::TrainingManifest).
    #[serde(with = "hash_hex")]
    pub manifest: Hash32,
    /// Attribution method and version of its receipts.
    pub method: Method,
    /// SHA-256 of the rules of pay as they were applied, with their version.
    #[serde(with = "hash_hex")]
    pub pay: Hash32,
    /// Whether scores pay. They do not if the training's agreement is lower than its config asks for. Its documents are
    /// then paid by the fallback that the config names.
    pub paid_by_scores: bool,
    /// Sum that its counted answers put into the contributors' pool, in base units.
    pub fees: Amount,
    /// Sum that payments without an answer that counts put there, in base units.
    pub unanswered: Amount,
    /// Sum that its training put there, in base units.
    pub data_share: Amount,
    /// Documents that repeat others and earn nothing.
    pub repeated: Vec<RepeatedDocument>,
}

/// A document that repeats an earlier one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RepeatedDocument {
    /// Leaf hash.
    #[serde(with = "hash_hex")]
    pub leaf: Hash32,
    /// The Datanet's account.
    #[serde(with = "key_b58")]
    pub datanet: Pubkey,
    /// The contributor's wallet.
    #[serde(with = "key_b58")]
    pub owner: Pubkey,
    /// Leaf hash of the document that it repeats.
    #[serde(with = "hash_hex")]
    pub of: Hash32,
    /// How the repetition was found.
    pub by: RepeatKind,
}

/// How a document was found to repeat an earlier one. A repetition that the texts show was not trained on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RepeatKind {
    /// The texts are equal except for case and white space.
    Exact,
    /// The texts share most of their runs of words.
    Near,
    /// The text was put together from passages of earlier ones.
    Verbatim,
    /// The training gradients point the same way.
    Gradient,
}

/// A pool that settlements divide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PoolName {
    /// The contributors' pool.
    Contributors,
    /// The validators' pool.
    Validators,
}

impl PoolName {
    /// All pools, in the order in which the payout program numbers them.
    pub const ALL: [Self; 2] = [Self::Contributors, Self::Validators];

    /// The name, as it stands in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Contributors => "contributors",
            Self::Validators => "validators",
        }
    }
}

impl fmt::Display for PoolName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a document earned for one job in the epoch. It earns for the job that was trained on it, through the answers of
/// that job's model and of the models that build on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DocumentEarned {
    /// The job that was trained on it.
    #[serde(with = "key_b58")]
    pub job: Pubkey,
    /// Leaf hash.
    #[serde(with = "hash_hex")]
    pub leaf: Hash32,
    /// The Datanet's account.
    #[serde(with = "key_b58")]
    pub datanet: Pubkey,
    /// The contributor's wallet.
    #[serde(with = "key_b58")]
    pub owner: Pubkey,
    /// Validators that approved its batch.
    #[serde(with = "keys_b58")]
    pub approved_by: Vec<Pubkey>,
    /// Base units of the contributors' pool.
    pub amount: Amount,
}

/// One member's observation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observed {
    /// The operator's wallet.
    #[serde(with = "key_b58")]
    pub operator: Pubkey,
    /// SHA-256 of the numbers that it observed, as they are signed.
    #[serde(with = "hash_hex")]
    pub content: Hash32,
    /// The operator's signature over its observation, by its identity key.
    #[serde(with = "signature_hex")]
    pub signature: [u8; 64],
}

/// A pool's cumulative reward tree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PoolReport {
    /// Which pool.
    pub pool: PoolName,
    /// The lifetime amount of each wallet, in ascending order of the wallets' bytes.
    pub leaves: Vec<Earned>,
    /// Root of the reward tree over the leaves.
    #[serde(with = "hash_hex")]
    pub root: Hash32,
    /// Sum of the leaves' lifetime amounts.
    pub lifetime_total: Amount,
    /// Sum that this epoch added.
    pub added: Amount,
    /// Sum that was paid in and not divided, in this epoch or before: payments that are held over, and gifts while
    /// nobody has earned anything.
    pub carried: Amount,
}

/// A leaf of a pool's tree. In JSON it is a pair, `[wallet, lifetime]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(Wallet, Amount)", into = "(Wallet, Amount)")]
pub struct Earned {
    /// The wallet.
    pub wallet: Pubkey,
    /// Everything that it ever earned from the pool.
    pub lifetime: Amount,
}

/// A wallet in Base58.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Wallet(#[serde(with = "key_b58")] Pubkey);

impl From<(Wallet, Amount)> for Earned {
    fn from((Wallet(wallet), lifetime): (Wallet, Amount)) -> Self {
        Self { wallet, lifetime }
    }
}

impl From<Earned> for (Wallet, Amount) {
    fn from(Earned { wallet, lifetime }: Earned) -> Self {
        (Wallet(wallet), lifetime)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Members hash the JSON that they write, and others read it, so the fields' types must not change its form.
    #[test]
    fn typed_fields_keep_the_json_of_the_format() {
        let (key, hash) = (Pubkey::new_from_array([7; 32]).to_string(), "09".repeat(32));
        let answer = |divided| {
            json!({"request": hash, "model": key, "operator": key, "transaction": "t", "slot": 5, "job": key, "divided": divided,
                "contributors": "18446744073709551615", "validators": "0"})
        };
        let report = json!({
            "version": 6, "epoch": 2, "cutoff_slot": 90, "previous": null, "band_ppm": 200,
            "answers": [
                answer(json!({"by": "receipt", "answer": hash, "weights": hash, "distance": 3})),
                answer(json!({"by": "training", "because": "missing"})),
                answer(json!({"by": "held", "times": 1})),
            ],
            "funded": [{"pool": "validators", "subject": key, "payer": key, "amount": "5"},
                {"pool": "contributors", "subject": key, "payer": key, "amount": "5", "job": key, "held": true}],
            "models": [{"model": key, "job": key, "config": hash, "manifest": hash, "method": "logra 2", "pay": hash,
                "paid_by_scores": true, "fees": "1", "unanswered": "2", "data_share": "3",
                "repeated": [{"leaf": hash, "datanet": key, "owner": key, "of": hash, "by": "verbatim"}]}],
            "documents": [{"job": key, "leaf": hash, "datanet": key, "owner": key, "approved_by": [key],
                "amount": "12"}],
            "observations": [{"operator": key, "content": hash, "signature": "0a".repeat(64)}],
            "observations_root": hash,
            "pools": [{"pool": "contributors", "leaves": [[key, "12"]], "root": hash, "lifetime_total": "12",
                "added": "12", "carried": "0"}],
        });
        let read: SettlementReport = serde_json::from_value(report.clone()).unwrap();
        let wallet = Pubkey::new_from_array([7; 32]);
        assert_eq!(read.pools[0].leaves, [Earned { wallet, lifetime: Amount(12) }]);
        assert_eq!(serde_json::to_value(&read).unwrap(), report);
        let bytes = serde_json::to_vec(&report).unwrap();
        assert_eq!(SettlementReport::read(&bytes).unwrap(), read);
        let older = json!({"version": 5, "pools": "as they were then"}).to_string();
        assert!(SettlementReport::read(older.as_bytes()).unwrap_err().to_string().contains("version 5"));
        let mut wrong = report;
        wrong["pools"][0]["leaves"][0][1] = json!("-1");
        assert!(serde_json::from_value::<SettlementReport>(wrong).is_err());
    }
}
