//! How an epoch's pools were divided: published with every settlement, so that anyone can add it up again.

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
    /// SHA-256 of the report before, whose lifetimes this one adds to; `None` for the first.
    #[serde(default, with = "hash_hex_opt")]
    pub previous: Option<Hash32>,
    /// Attribution method and version.
    pub method: Method,
    /// Payments for answers, by request.
    pub answers: Vec<CountedAnswer>,
    /// What was paid into the pools beside the answers' fees, oldest first: training jobs' data shares, and gifts.
    #[serde(default)]
    pub funded: Vec<CountedFunding>,
    /// The models that gave the answers, by address.
    pub models: Vec<ModelReport>,
    /// The agreed share of each document that a job was trained on, by job and then in the order of its index.
    pub documents: Vec<DocumentScore>,
    /// What no document earned, in parts per million: the shares and this are a million, or nothing was to be divided.
    /// It stays in the pools and is divided with the next epoch.
    pub unallocated: u64,
    /// What each member observed; the documents' shares and what is unallocated are the elementwise median.
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

    /// What the report says of a pool.
    pub fn pool(&self, name: PoolName) -> Option<&PoolReport> {
        self.pools.iter().find(|p| p.pool == name)
    }
}

/// A payment for an answer that the epoch divides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CountedAnswer {
    /// The request.
    #[serde(with = "hash_hex")]
    pub request: Hash32,
    /// The model.
    #[serde(with = "key_b58")]
    pub model: Pubkey,
    /// The job whose documents it pays.
    #[serde(with = "key_b58")]
    pub job: Pubkey,
    /// Whether the artifact store has its answer, which then says whom it pays; otherwise the validation loss does.
    pub answered: bool,
    /// Its part of the contributors' pool.
    pub contributors: Amount,
    /// Its part of the validators' pool.
    pub validators: Amount,
}

/// A payment into a pool that is no answer's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CountedFunding {
    /// The pool that took it.
    pub pool: PoolName,
    /// What it is for: of a data share the job.
    #[serde(with = "key_b58")]
    pub subject: Pubkey,
    /// Who paid: of a data share the job.
    #[serde(with = "key_b58")]
    pub payer: Pubkey,
    /// Base units.
    pub amount: Amount,
}

/// What a model's documents were paid for and by which rules: the attributed functional is (fees · mean loss of its
/// answers by their fees + (unanswered + data share) · validation loss) / (fees + unanswered + data share).
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
    /// What its answers put into the contributors' pool, base units.
    pub fees: Amount,
    /// What payments without a known answer and debits of prepaid balances put there, base units.
    pub unanswered: Amount,
    /// What its training put there, base units.
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
    /// How that was found out.
    pub by: RepeatKind,
}

/// How a document was found to repeat an earlier one. Whichever the text shows was not trained on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RepeatKind {
    /// The texts are equal but for case and white space.
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
}

impl fmt::Display for PoolName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Contributors => "contributors",
            Self::Validators => "validators",
        })
    }
}

/// A document's share for one job: one that two jobs were trained on has a share of each.
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
    /// Parts per million, in the order of the documents; what is unallocated comes last.
    pub ppm: Vec<u64>,
    /// Sum of absolute differences to the median, in parts per million.
    pub distance: u64,
    /// The operator's signature over its observation, by its identity key.
    #[serde(with = "signature_hex")]
    pub signature: [u8; 64],
}

/// A pool's cumulative tree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PoolReport {
    /// Which pool.
    pub pool: PoolName,
    /// What each wallet ever earned, in ascending order of the wallet's bytes.
    pub leaves: Vec<Earned>,
    /// Root of the reward tree over them.
    #[serde(with = "hash_hex")]
    pub root: Hash32,
    /// Their sum.
    pub lifetime_total: Amount,
    /// What this epoch added.
    pub added: Amount,
    /// What was paid in and not divided, in this epoch or before: the next epoch divides it too.
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

    /// Members hash what they write, and others read it: the types of the fields must not show in the text.
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
