//! The manifest that a trainer publishes about a finished job. It holds everything that is needed to re-execute the job
//! and to compare the results.

use crate::text::{hash_hex, hash_hex_opt, hashes_hex, key_b58};
use openledger_protocol::Hash32;
use serde::{Deserialize, Serialize};
use solana_pubkey::Pubkey;

/// The manifest of a training result. Its hash is in the attested arguments and in the model's account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingManifest {
    /// Version of this format.
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
    /// Hash of the blob with the index's estimates of what each training example did for the validation loss. The
    /// estimates are in the order of `examples`, each an f32, little-endian. `None` if there are no held-out examples.
    #[serde(default, with = "hash_hex_opt")]
    pub eval_scores: Option<Hash32>,
    /// Training tokens processed in all epochs. A token is the unit of compute.
    pub tokens: u64,
    /// Losses measured during the training.
    pub metrics: Metrics,
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
