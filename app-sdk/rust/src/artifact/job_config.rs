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
    /// The exact attribution that an epoch's money is divided by.
    pub settlement: SettlementSettings,
    /// What documents are paid for their scores, and which are left out as repetitions.
    pub pay: PaySettings,
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
    pub warmup_steps: u64,
    /// Course of the learning rate after the warm-up: `constant`, `linear` or `cosine`.
    pub schedule: String,
    /// AdamW's decay of the first moment.
    pub beta1: f64,
    /// AdamW's decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub eps: f64,
    /// Added to the second moment under the root.
    pub eps_root: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// Largest global norm of a gradient; larger ones are scaled down. `None` for no clipping.
    pub clip_norm: Option<f64>,
    /// Steps between two checkpoints of the training log: the length of a segment that verifiers re-execute.
    pub checkpoint_every: u64,
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
    /// Linear layers, each once and in the order `q`, `k`, `v`, `o`, `gate`, `up`, `down`.
    pub targets: Vec<String>,
}

/// The influence index.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IndexSettings {
    /// What is projected: `adapter`, the gradients that training follows, or `random`, those of the layers' full weights.
    pub projection: String,
    /// Side of the projection of each layer's gradient: k × k numbers a layer and example.
    pub k: usize,
    /// What makes directions that all examples share count less: `ekfac`, `kfac`, `fisher` or `none`.
    pub preconditioner: String,
    /// Damping, as a fraction of the mean eigenvalue of the projected Fisher matrix.
    pub damping: f64,
    /// Whether rows are scaled to unit norm, so that long or odd documents do not win by size.
    pub unit_norm: bool,
    /// Logged states of the training, evenly spaced, whose gradients a row is the mean of; 1 looks at its end only.
    pub states: usize,
}

/// Exact attribution: going back through the training (MAGIC).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SettlementSettings {
    /// Length of the displacement along which gradients are differenced, at the last training step.
    pub first_step: f64,
    /// Asymmetry of the displaced gradients that the displacement is steered to.
    pub asymmetry: f64,
}

/// From scores to pay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PaySettings {
    /// Jaccard similarity from which a text repeats an earlier one: like one that was put together from earlier ones, it
    /// is not trained on and earns nothing.
    pub near_text: f64,
    /// Cosine from which a training gradient repeats that of an earlier document, which then earns alone; `None` to
    /// compare texts only.
    pub near_gradient: Option<f64>,
    /// Scores of documents whose gradients are more than this many times as strong as usual (in self-influence for each
    /// token) are held back; `None` to count all as they are.
    pub outlier_limit: Option<f64>,
    /// Scores count above this multiple of the noise, which is measured by the scores below zero.
    pub noise_floor: f64,
    /// Largest share of one document in parts per million; what nobody may have is divided with the next epoch.
    pub cap_ppm: u64,
}

impl Default for PaySettings {
    /// For the exact attribution, whose scores are below zero for whatever did harm.
    fn default() -> Self {
        Self { near_text: 0.5, near_gradient: None, outlier_limit: None, noise_floor: 0.0, cap_ppm: 500_000 }
    }
}

impl Default for SettlementSettings {
    fn default() -> Self {
        Self { first_step: 0.01, asymmetry: 0.01 }
    }
}

impl Default for DataSettings {
    fn default() -> Self {
        Self { max_examples: 48, eval_examples: 16, max_tokens: 40 }
    }
}

impl Default for TrainSettings {
    fn default() -> Self {
        Self {
            epochs: 4,
            batch_size: 2,
            learning_rate: 1.5e-3,
            warmup_steps: 16,
            schedule: "linear".into(),
            beta1: 0.95,
            beta2: 0.975,
            eps: 1e-8,
            eps_root: 1e-8,
            weight_decay: 0.01,
            clip_norm: None,
            checkpoint_every: 8,
            lora: LoraSettings::default(),
            price_per_1k_tokens: 50_000_000,
        }
    }
}

impl Default for LoraSettings {
    fn default() -> Self {
        let targets = ["q", "k", "v", "o", "gate", "up", "down"];
        Self { rank: 8, alpha: 16.0, targets: targets.map(String::from).to_vec() }
    }
}

impl Default for IndexSettings {
    fn default() -> Self {
        Self {
            projection: "adapter".into(),
            k: 16,
            preconditioner: "ekfac".into(),
            damping: 0.1,
            unit_norm: false,
            states: 1,
        }
    }
}
