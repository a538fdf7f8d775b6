//! What a training job does, besides its base model, data and seed. Its hash is in the job's account.

use serde::{Deserialize, Serialize};

/// Configuration of a fine-tuning job. Every field has a default, so `{}` is a valid configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JobConfig {
    /// Which documents become examples.
    pub data: DataSettings,
    /// How they are learned.
    pub train: TrainSettings,
    /// The influence index that answers are attributed with.
    pub index: IndexSettings,
}

/// Which documents become examples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataSettings {
    /// Most training examples; drawn with the job's seed from all documents of the snapshots.
    pub max_examples: usize,
    /// Held-out examples for the validation loss, drawn after them.
    pub eval_examples: usize,
    /// Longest example in tokens; longer ones are cut.
    pub max_tokens: usize,
}

/// How examples are learned: LoRA with AdamW.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainSettings {
    /// Passes over the examples.
    pub epochs: usize,
    /// Examples a step.
    pub batch_size: usize,
    /// Peak learning rate.
    pub learning_rate: f64,
    /// Steps of linear warm-up: without it the run is too rough for exact attribution.
    pub warmup_steps: usize,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// Largest global norm of a gradient; larger ones are scaled down. `None` for no clipping.
    pub clip_norm: Option<f64>,
    /// Steps between two checkpoints of the training log: the length of a segment that verifiers re-execute.
    pub checkpoint_every: usize,
    /// The adapter.
    pub lora: LoraSettings,
    /// Base units of OPEN for 1,000 training tokens.
    pub price_per_1k_tokens: u64,
}

/// Shape of the adapter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LoraSettings {
    /// Rank r.
    pub rank: usize,
    /// Scale is `alpha / rank`.
    pub alpha: f64,
    /// Linear layers: `q_proj`, `k_proj`, `v_proj`, `o_proj`, `gate_proj`, `up_proj`, `down_proj`.
    pub targets: Vec<String>,
}

/// The influence index.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IndexSettings {
    /// Side of the projection of each layer's gradient: k × k numbers a layer and example.
    pub k: usize,
    /// Damping, as a fraction of the mean eigenvalue of the projected Fisher matrix.
    pub damping: f64,
    /// Whether rows are scaled to unit norm, so that long or odd documents do not win by size.
    pub unit_norm: bool,
}

impl Default for DataSettings {
    fn default() -> Self {
        Self { max_examples: 120, eval_examples: 16, max_tokens: 96 }
    }
}

impl Default for TrainSettings {
    fn default() -> Self {
        Self {
            epochs: 2,
            batch_size: 4,
            learning_rate: 1e-3,
            warmup_steps: 6,
            weight_decay: 0.0,
            clip_norm: Some(1.0),
            checkpoint_every: 4,
            lora: LoraSettings::default(),
            price_per_1k_tokens: 50_000_000,
        }
    }
}

impl Default for LoraSettings {
    fn default() -> Self {
        Self { rank: 8, alpha: 16.0, targets: vec!["q_proj".into(), "v_proj".into()] }
    }
}

impl Default for IndexSettings {
    fn default() -> Self {
        Self { k: 16, damping: 0.1, unit_norm: true }
    }
}
