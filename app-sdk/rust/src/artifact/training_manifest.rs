//! The manifest that a trainer publishes about a finished job. It holds everything that is needed to re-execute the job
//! and to compare the results.

use crate::text::{hash_hex, hashes_hex, key_b58};
use openledger_protocol::Hash32;
use serde::{Deserialize, Serialize};
use solana_pubkey::Pubkey;

/// The manifest of a training result. Its hash is in the attested arguments and in the model's account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingManifest {
    /// Version of this format: [`TrainingManifest::VERSION`].
    pub version: u32,
    /// The job's account.
    #[serde(with = "key_b58")]
    pub job: Pubkey,
    /// The model's account.
    #[serde(with = "key_b58")]
    pub model: Pubkey,
    /// Wallet of the operator that trained.
    #[serde(with = "key_b58")]
    pub operator: Pubkey,
    /// SHA-256 of the base model.
    #[serde(with = "hash_hex")]
    pub base_hash: Hash32,
    /// SHA-256 of the [`JobConfig`](super::JobConfig).
    #[serde(with = "hash_hex")]
    pub config_hash: Hash32,
    /// The job's seed.
    pub seed: u64,
    /// Name of the arithmetic. Results are bit-equal only under the same name.
    pub kernel: String,
    /// Leaf hashes of the training examples, in index order.
    #[serde(with = "hashes_hex")]
    pub examples: Vec<Hash32>,
    /// Leaf hashes of the held-out examples.
    #[serde(with = "hashes_hex")]
    pub eval: Vec<Hash32>,
    /// States of the run, one every `checkpoint_every` steps, from the first (step 0) to the last.
    pub log: Vec<LogEntry>,
    /// Root of a Merkle mountain range over the log's state hashes. It equals the root posted on chain.
    #[serde(with = "hash_hex")]
    pub log_root: Hash32,
    /// SHA-256 of the adapter's file.
    #[serde(with = "hash_hex")]
    pub adapter_hash: Hash32,
    /// SHA-256 of the influence index's file.
    #[serde(with = "hash_hex")]
    pub index_hash: Hash32,
    /// SHA-256 of the index settings.
    #[serde(with = "hash_hex")]
    pub index_settings: Hash32,
    /// Tokens that are learned of each example, in index order.
    pub targets: Vec<u32>,
    /// Examples whose gradients repeat an earlier example's. They earn nothing.
    pub repeated: Vec<RepeatedExample>,
    /// Hash of the blob with the training weights: what each example earns of the training's fee, and of payments
    /// without an answer that counts. There is one weight for each example in index order
    /// (`openledger_protocol::weights`).
    #[serde(with = "hash_hex")]
    pub weights: Hash32,
    /// How far the scores that pay agree with the exact attribution. `None` if there are no held-out examples.
    pub health: Option<Health>,
    /// Training tokens processed in all epochs. A token is the unit of compute.
    pub tokens: u64,
    /// Losses measured during the training.
    pub metrics: Metrics,
}

impl TrainingManifest {
    /// The version that this crate writes.
    pub const VERSION: u32 = 2;
}

/// One state of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogEntry {
    /// Number of steps before it.
    pub step: u64,
    /// SHA-256 of the state's file.
    #[serde(with = "hash_hex")]
    pub state: Hash32,
}

/// Losses of a training run. Each is a mean negative log likelihood in nats per token.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Training loss of every step.
    pub train_loss: Vec<f32>,
    /// Validation loss before the first step and after the last.
    pub eval_loss: [f32; 2],
}

/// An example that repeats another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepeatedExample {
    /// Its place among the examples.
    pub example: u32,
    /// Place of the example that it repeats.
    pub of: u32,
}

/// How far the scores that pay agree with the exact attribution of the same loss, on this job. The loss is that of all
/// held-out examples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Health {
    /// Spearman's rank correlation of the two over all examples, in parts per million, rounded down. It is between
    /// −1,000,000 and 1,000,000.
    pub agreement_ppm: i64,
    /// States of the exact attribution's walk back through the training, from its end to its start. Each is named by the
    /// step of the training and the SHA-256 of the state's file. The last one holds the exact scores.
    pub walk: Vec<LogEntry>,
}
