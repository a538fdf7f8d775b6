//! What a trainer publishes about a finished job: everything needed to re-execute it and to compare.

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
    /// Names the arithmetic: results are bit-equal only under the same.
    pub kernel: String,
    /// Leaf hashes of the training examples, in index order.
    #[serde(with = "hashes_hex")]
    pub examples: Vec<Hash32>,
    /// Leaf hashes of the held-out examples.
    #[serde(with = "hashes_hex")]
    pub eval: Vec<Hash32>,
    /// States of the run, every `checkpoint_every` steps, first (step 0) to last.
    pub log: Vec<LogEntry>,
    /// Root of a mountain range over the log's state hashes; equals the one posted on chain.
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
    /// Blob with what the index estimates that each training example did for the validation loss, in their order: f32,
    /// little-endian. `None` without held-out examples.
    #[serde(default, with = "hash_hex_opt")]
    pub eval_scores: Option<Hash32>,
    /// Training tokens processed, all epochs: the unit of compute.
    pub tokens: u64,
    /// Measured along the way.
    pub metrics: Metrics,
}

/// One state of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogEntry {
    /// Steps done before it.
    pub step: u64,
    /// SHA-256 of the state's file.
    #[serde(with = "hash_hex")]
    pub state: Hash32,
}

/// Losses: mean negative log likelihood in nats a token.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Training loss of every step.
    pub train_loss: Vec<f32>,
    /// Validation loss before the first and after the last step.
    pub eval_loss: [f32; 2],
}
