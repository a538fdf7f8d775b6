//! The configuration of a training job: all of its settings besides base model, data and seed. Its hash is in the job's
//! account.

use openledger_protocol::hash::sha256;
use serde::{Deserialize, Deserializer, Serialize, de::Error};

/// Most training runs of a job.
pub const MOST_RUNS: usize = 8;

/// Prefix of the hash that gives a training run its seed.
const RUN_DOMAIN: &[u8] = b"openledger:training-run:v1\0";

/// Configuration of a fine-tuning job. Every field has a default, so `{}` is a valid configuration. [`JobConfig::parse`]
/// reads one and refuses what no operator would run.
///
/// A job of a model that builds on another must have the parent's `train.lora` and `train.runs`, and the parent's
/// `index.projection`, `index.k`, `index.states` and `index.query`: it continues the parent's adapters and the parent's
/// influence index.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JobConfig {
    /// Which documents become examples.
    pub data: DataSettings,
    /// How the examples are learned.
    pub train: TrainSettings,
    /// The influence index, by which answers are attributed and paid.
    pub index: IndexSettings,
    /// The exact attribution, by which the estimates that pay are audited.
    pub audit: AuditSettings,
    /// How scores become pay, and which documents are left out as repetitions.
    pub pay: PaySettings,
}

/// Which documents become examples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataSettings {
    /// Most training examples. The job's seed draws documents of the snapshots. Each is learned whole, as one example or
    /// more, as long as its examples fit. One that has more than [`DataSettings::most_windows`] takes no part.
    pub max_examples: usize,
    /// Most held-out examples for the validation loss. Their documents are drawn before those that are learned, and no
    /// part of them is learned. Each has at most a quarter of these examples, if there are such documents.
    pub eval_examples: usize,
    /// Most tokens of an example: of a question and the text that answers it. A longer document is cut into windows, each
    /// an example.
    pub max_tokens: usize,
    /// Most windows of a document. What comes after them is not learned. `None` learns every document whole.
    pub max_windows: Option<usize>,
}

impl DataSettings {
    /// Most windows of a document that takes part in the job: a quarter of the examples, so that no document is most of
    /// what the job learns.
    pub fn most_windows(&self) -> usize {
        (self.max_examples / 4).max(1)
    }
}

/// How examples are learned: LoRA with AdamW.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainSettings {
    /// Number of passes over the examples.
    pub epochs: usize,
    /// Examples per step.
    pub batch_size: usize,
    /// Peak learning rate.
    pub learning_rate: f64,
    /// Steps of linear warm-up of the learning rate. Without a warm-up the run is too rough for exact attribution.
    pub warmup_steps: u64,
    /// Course of the learning rate after the warm-up: `constant`, `linear` or `cosine`.
    pub schedule: String,
    /// AdamW's decay of the first moment.
    pub beta1: f64,
    /// AdamW's decay of the second moment.
    pub beta2: f64,
    /// Number that is added to the root of the second moment.
    pub eps: f64,
    /// Number that is added to the second moment under the root.
    pub eps_root: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// Largest global norm of a gradient. Larger gradients are scaled down to it. `None` means no clipping.
    pub clip_norm: Option<f64>,
    /// The loss of an example is the sum over its learned tokens, divided by this number. Then a text that is cut in two
    /// teaches and earns as much as the whole. `None` takes the mean over the example's tokens instead, which favours
    /// short texts.
    pub loss_denominator: Option<u32>,
    /// Steps between two states of the training log. It is the length of the segments that verifiers re-execute. The
    /// program takes no log of more than 64 segments (`model::state::MAX_SEGMENTS`).
    pub checkpoint_every: u64,
    /// Shape of the adapter.
    pub lora: LoraSettings,
    /// Base units of OPEN for 1,000 training tokens.
    pub price_per_1k_tokens: u64,
    /// Number of trainings on the same examples, each with its own seed ([`run_seed`]): from 1 to [`MOST_RUNS`]. The
    /// adapter of the first one answers. The scores that pay are the mean of all, so that the luck of one seed moves
    /// less money. Each run costs as much as the first. 1 is left out of the JSON.
    #[serde(deserialize_with = "runs", skip_serializing_if = "is_one")]
    pub runs: usize,
}

impl TrainSettings {
    /// Fails unless [`Self::runs`] is in range. The error names the setting.
    pub fn check_runs(runs: usize) -> Result<(), String> {
        match runs {
            1..=MOST_RUNS => Ok(()),
            _ => Err(format!("`train.runs` is {runs}; it must be between 1 and {MOST_RUNS}")),
        }
    }
}

fn runs<'de, D: Deserializer<'de>>(d: D) -> Result<usize, D::Error> {
    let runs = usize::deserialize(d).map_err(|e| D::Error::custom(format!("`train.runs`: {e}")))?;
    TrainSettings::check_runs(runs).map_err(D::Error::custom)?;
    Ok(runs)
}

fn is_one(runs: &usize) -> bool {
    *runs == 1
}

/// The seed of run number `run` of a job with this `seed`. It draws the run's initial adapter and the order of its
/// batches. The first run has the job's own seed, so that a job with more runs serves the same adapter as with one.
pub fn run_seed(seed: u64, run: usize) -> u64 {
    if run == 0 {
        return seed;
    }
    let hash = sha256(&[RUN_DOMAIN, &seed.to_le_bytes(), &(run as u64).to_le_bytes()]);
    u64::from_le_bytes(hash[..8].try_into().expect("eight of 32 bytes"))
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
    /// The gradients that are projected. `adapter` means those of the adapter's matrices, which training follows.
    /// `random` means those of the layers' full weights.
    pub projection: String,
    /// Side of the projection of each layer's gradient. The index holds k × k numbers per layer, example and
    /// training run. It is at most the narrowest adapted layer of the base model.
    pub k: usize,
    /// The preconditioner, which makes directions that all examples share count less: `ekfac`, `kfac`, `fisher` or
    /// `none`.
    pub preconditioner: String,
    /// Damping, as a fraction of the mean eigenvalue of the projected Fisher matrix.
    pub damping: f64,
    /// Whether rows are scaled to unit norm, so that long or odd documents do not win by size.
    pub unit_norm: bool,
    /// Number of logged states of each training run, evenly spaced: from 1 to 64. Each row of the index is the mean of the gradients at
    /// these states. With 1, the row is the gradient at the run's end.
    pub states: usize,
    /// Where an answer's gradient is taken. `end` means at the end of each training run, which costs one backward pass for
    /// each. `all` means at each of the `states`, whose scores are averaged. It costs as many passes and is steadier.
    pub query: String,
}

/// Exact attribution by a walk back through the training (MAGIC).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuditSettings {
    /// Length of the parameters' displacement over which gradients are differenced, at the last training step.
    pub first_step: f64,
    /// Asymmetry of the displaced gradients. The length of the displacement is steered towards it.
    pub asymmetry: f64,
}

/// How scores become pay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PaySettings {
    /// Least Jaccard similarity at which a text counts as a repetition of an earlier one. Such a text is not trained on
    /// and earns nothing. The same holds for a text that was put together from earlier ones.
    pub near_text: f64,
    /// Least cosine at which a training gradient counts as a repetition of an earlier document's. Only the earlier
    /// document then earns. `None` compares texts only.
    pub near_gradient: Option<f64>,
    /// The scores of a document are held back if its gradients are more than this many times as strong as usual, in
    /// self-influence per token. `None` counts all scores as they are.
    pub outlier_limit: Option<f64>,
    /// Only the part of a score above this multiple of the noise counts. The noise is measured by the scores below
    /// zero.
    pub noise_floor: f64,
    /// Largest share of one document in parts per million. What is left over because too few documents earn is divided by
    /// the training weights.
    pub cap_ppm: u64,
    /// Least agreement of the scores that pay with the exact attribution, measured after the training. The agreement is a
    /// rank correlation in parts per million. If it is lower, every payment is divided by `fallback`.
    pub least_agreement_ppm: i64,
    /// Most roughness of the training, in thousandths: how much it amplifies what is done to its start. If it is rougher,
    /// every payment is divided by `fallback`.
    pub most_roughness_milli: u64,
    /// What divides payments if scores cannot be trusted. `tokens` means the number of tokens that were learned of each
    /// document.
    pub fallback: String,
}

impl Default for PaySettings {
    /// No floor: in measurements over ten seeds it made pay no steadier. Outliers are held to 1.5, so that joining documents
    /// earns nothing.
    fn default() -> Self {
        Self {
            near_text: 0.5,
            near_gradient: None,
            outlier_limit: Some(1.5),
            noise_floor: 0.0,
            cap_ppm: 500_000,
            least_agreement_ppm: 330_000,
            most_roughness_milli: 25_000,
            fallback: "tokens".into(),
        }
    }
}

impl Default for AuditSettings {
    fn default() -> Self {
        Self { first_step: 0.01, asymmetry: 0.01 }
    }
}

impl Default for DataSettings {
    fn default() -> Self {
        Self { max_examples: 48, eval_examples: 16, max_tokens: 128, max_windows: None }
    }
}

impl Default for TrainSettings {
    fn default() -> Self {
        Self {
            epochs: 4,
            batch_size: 2,
            learning_rate: 5e-4,
            warmup_steps: 16,
            schedule: "linear".into(),
            beta1: 0.95,
            beta2: 0.975,
            eps: 1e-8,
            eps_root: 1e-8,
            weight_decay: 0.01,
            clip_norm: None,
            loss_denominator: Some(32),
            checkpoint_every: 8,
            lora: LoraSettings::default(),
            price_per_1k_tokens: 50_000_000,
            runs: 1,
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
            k: 64,
            preconditioner: "ekfac".into(),
            damping: 0.1,
            unit_norm: false,
            states: 6,
            query: "end".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_config_without_runs_has_one_and_reads_and_writes_as_before() {
        let config: JobConfig = serde_json::from_str("{}").unwrap();
        assert_eq!((config.clone(), config.train.runs), (JobConfig::default(), 1));
        assert!(!serde_json::to_string(&config).unwrap().contains("runs"));
        let two: JobConfig = serde_json::from_str(r#"{"train": {"runs": 2}}"#).unwrap();
        assert_eq!(two, JobConfig { train: TrainSettings { runs: 2, ..Default::default() }, ..config });
        assert!(serde_json::to_string(&two).unwrap().contains(r#""runs":2"#));
        assert_eq!(serde_json::from_str::<JobConfig>(&serde_json::to_string(&two).unwrap()).unwrap(), two);
    }

    #[test]
    fn a_number_of_runs_out_of_range_is_refused_by_name() {
        for bad in ["0", "9", "-1", "1.5", "\"two\"", "null"] {
            let refused = serde_json::from_str::<JobConfig>(&format!(r#"{{"train": {{"runs": {bad}}}}}"#)).unwrap_err();
            assert!(refused.to_string().contains("`train.runs`"), "{bad}: {refused}");
        }
        let refused = serde_json::from_str::<JobConfig>(r#"{"train": {"runs": 9}}"#).unwrap_err().to_string();
        assert!(refused.contains("is 9; it must be between 1 and 8"), "{refused}");
        for runs in 1..=MOST_RUNS {
            TrainSettings::check_runs(runs).unwrap();
        }
    }

    #[test]
    fn the_first_run_has_the_jobs_seed_and_every_other_one_of_its_own() {
        assert_eq!([0, 7, u64::MAX].map(|seed| run_seed(seed, 0)), [0, 7, u64::MAX]);
        let seeds: BTreeSet<u64> =
            (0..50).flat_map(|seed| (0..MOST_RUNS).map(move |run| run_seed(seed, run))).collect();
        assert_eq!(seeds.len(), 50 * MOST_RUNS);
        // Everybody derives these numbers, so they never change.
        assert_eq!([1, 2].map(|run| run_seed(7, run)), [7_831_246_822_457_307_983, 9_680_270_571_583_895_610]);
    }
}
