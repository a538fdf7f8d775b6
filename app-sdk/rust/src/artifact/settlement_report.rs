//! The report on how an epoch's pools were divided. It is published with every settlement, so that anyone can check the
//! sums.

use super::Method;
use crate::{
    amount::Amount,
    text::{hash_hex, hash_hex_opt, key_b58, keys_b58, signature_hex},
};
use openledger_protocol::Hash32;
use serde::{Deserialize, Serialize};
use solana_pubkey::Pubkey;
use std::fmt;

/// The report of a settlement. Its hash is in the attested arguments.
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
    /// Attribution method and version.
    pub method: Method,
    /// Payments for answers, by request.
    pub answers: Vec<CountedAnswer>,
    /// Payments into the pools besides the answers' fees, oldest first: training jobs' data shares, and gifts.
    #[serde(default)]
    pub funded: Vec<CountedFunding>,
    /// The models and training jobs whose documents the epoch pays, in ascending order of their addresses.
    pub models: Vec<ModelReport>,
    /// The agreed share of each document that a job was trained on, ordered by job and then as in the job's index.
    pub documents: Vec<DocumentScore>,
    /// The part that no document earned, in parts per million. Together with the shares it is 1,000,000, unless there
    /// was nothing to divide. It stays in the pools and is divided with the next epoch.
    pub unallocated: u64,
    /// The scores that each member observed. The documents' shares and `unallocated` are their elementwise median.
    pub observations: Vec<RevealedScores>,
    /// Root over the signed observations.
    #[serde(with = "hash_hex")]
    pub observations_root: Hash32,
    /// Every pool once, in the order of [`PoolName::ALL`].
    pub pools: Vec<PoolReport>,
}

impl SettlementReport {
    /// The version that this crate writes.
    pub const VERSION: u32 = 5;

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
    /// The job whose documents the payment is divided among.
    #[serde(with = "key_b58")]
    pub job: Pubkey,
    /// Whether its answer is known. If so, the answer's loss decides which documents it pays. Otherwise the validation
    /// loss decides.
    pub answered: bool,
    /// Its part for the contributors' pool.
    pub contributors: Amount,
    /// Its part for the validators' pool.
    pub validators: Amount,
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
}

/// The payments that a model's documents divide, and the rules that divide them.
///
/// The attributed functional is (F · A + U · V) / (F + U). F is `fees`, A is the mean loss of the model's answers,
/// weighted by their fees, U is `unanswered` + `data_share`, and V is the validation loss.
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
    /// SHA-256 of the rules of pay as they were applied, with their version.
    #[serde(with = "hash_hex")]
    pub pay: Hash32,
    /// Sum that its answers put into the contributors' pool, in base units.
    pub fees: Amount,
    /// Sum that payments without a known answer and debits of prepaid balances put there, in base units.
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

/// A document's share for one job. A document that two jobs were trained on has a share for each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DocumentScore {
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
    /// Parts per million of the epoch's pools.
    pub ppm: u64,
}

/// One member's observation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RevealedScores {
    /// The operator's wallet.
    #[serde(with = "key_b58")]
    pub operator: Pubkey,
    /// Shares in parts per million, in the order of the documents. The unallocated part comes last.
    pub ppm: Vec<u64>,
    /// Sum of the absolute differences to the median, in parts per million.
    pub distance: u64,
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
    /// Sum that was paid in and not divided, in this epoch or before. The next epoch divides it too.
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
        let (key, hash) = (Pubkey::new_from_array([7; 32]), "09".repeat(32));
        let report = json!({
            "version": 5, "epoch": 2, "cutoff_slot": 90, "previous": null, "method": "magic 3",
            "answers": [{"request": hash, "model": key.to_string(), "job": key.to_string(), "answered": true,
                "contributors": "18446744073709551615", "validators": "0"}],
            "funded": [{"pool": "validators", "subject": key.to_string(), "payer": key.to_string(), "amount": "5"}],
            "models": [{"model": key.to_string(), "job": key.to_string(), "config": hash, "pay": hash, "fees": "1",
                "unanswered": "2", "data_share": "3", "repeated": [{"leaf": hash, "datanet": key.to_string(),
                "owner": key.to_string(), "of": hash, "by": "verbatim"}]}],
            "documents": [{"job": key.to_string(), "leaf": hash, "datanet": key.to_string(), "owner": key.to_string(),
                "approved_by": [key.to_string()], "ppm": 1_000_000}],
            "unallocated": 0,
            "observations": [{"operator": key.to_string(), "ppm": [1_000_000, 0], "distance": 0,
                "signature": "0a".repeat(64)}],
            "observations_root": hash,
            "pools": [{"pool": "contributors", "leaves": [[key.to_string(), "12"]], "root": hash, "lifetime_total": "12", "added": "12",
                "carried": "0"}],
        });
        let read: SettlementReport = serde_json::from_value(report.clone()).unwrap();
        assert_eq!(read.pools[0].leaves, [Earned { wallet: key, lifetime: Amount(12) }]);
        assert_eq!(serde_json::to_value(&read).unwrap(), report);
        let bytes = serde_json::to_vec(&report).unwrap();
        assert_eq!(SettlementReport::read(&bytes).unwrap(), read);
        let older = json!({"version": 4, "pools": "as they were then"}).to_string();
        assert!(SettlementReport::read(older.as_bytes()).unwrap_err().to_string().contains("version 4"));
        let mut wrong = report;
        wrong["pools"][0]["leaves"][0][1] = json!("-1");
        assert!(serde_json::from_value::<SettlementReport>(wrong).is_err());
    }
}
