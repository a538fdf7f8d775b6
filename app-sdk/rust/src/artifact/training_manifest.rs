//! What a trainer publishes about a finished job: everything needed to re-execute it and to compare.

use serde::{Deserialize, Serialize};

/// The manifest of a training result. Its hash is in the attested arguments and in the model's account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingManifest {
    /// Version of this format.
    pub version: u32,
    /// The job's account.
    pub job: String,
    /// The model's account.
    pub model: String,
    /// Wallet of the operator that trained.
    pub operator: String,
    /// SHA-256 of the base model.
    pub base_hash: String,
    /// SHA-256 of the [`JobConfig`](super::JobConfig).
    pub config_hash: String,
    /// The job's seed.
    pub seed: u64,
    /// Names the arithmetic: results are bit-equal only under the same.
    pub kernel: String,
    /// Leaf hashes of the training examples, in index order.
    pub examples: Vec<String>,
    /// Leaf hashes of the held-out examples.
    pub eval: Vec<String>,
    /// States of the run, every `checkpoint_every` steps, first (step 0) to last.
    pub log: Vec<LogEntry>,
    /// Root of a mountain range over the log's state hashes; equals the one posted on chain.
    pub log_root: String,
    /// SHA-256 of the adapter's file.
    pub adapter_hash: String,
    /// SHA-256 of the influence index's file.
    pub index_hash: String,
    /// SHA-256 of the index settings.
    pub index_settings: String,
    /// Blob with what the index estimates that each training example did for the validation loss, in their order: f32,
    /// little-endian. `None` without held-out examples.
    pub eval_scores: Option<String>,
    /// Training tokens processed, all epochs: the unit of compute.
    pub tokens: u64,
    /// Measured along the way.
    pub metrics: Metrics,
}

/// One state of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogEntry {
    /// Steps done before it.
    pub step: usize,
    /// SHA-256 of the state's file.
    pub state: String,
}

/// Losses: mean negative log likelihood in nats a token.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Training loss of every step.
    pub train_loss: Vec<f32>,
    /// Validation loss before the first and after the last step.
    pub eval_loss: [f32; 2],
}
