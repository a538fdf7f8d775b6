//! The settings of a training job, which travel in the job's config as JSON.

use crate::{
    digest::{Digest, sha256_json},
    error::{LmError, Result},
    lora::LoraConfig,
    reduction::LossReduction,
};
use serde::{Deserialize, Serialize};

/// Course of the learning rate after the warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// The learning rate stays at the peak.
    Constant,
    /// The learning rate falls linearly towards 0, which it would reach one step after the last.
    Linear,
    /// The learning rate falls along half a cosine towards 0.
    Cosine,
}

/// Everything that determines a training job besides base model and examples. A step's objective is (1/|B|)·Σ_{i∈B}
/// wᵢ·ℓᵢ. ℓᵢ is made of the losses of example i's target tokens as [`LossReduction`] says, and |B| is the number of
/// examples in the batch.
///
/// The defaults keep training smooth, which exact attribution needs: a moderate learning rate, warm-up, no dropout, and
/// a small term under the root of AdamW.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainConfig {
    /// Passes over the examples.
    pub epochs: usize,
    /// Examples per step. An epoch's last batch may be smaller.
    pub batch_size: usize,
    /// Longest example in tokens. Longer examples are refused.
    pub max_len: usize,
    /// Peak learning rate.
    pub learning_rate: f64,
    /// Steps over which the learning rate rises from 0 to its peak.
    pub warmup_steps: u64,
    /// Course of the learning rate after the warm-up.
    pub schedule: Schedule,
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
    /// Largest norm of the gradient. A gradient with a larger norm is scaled down to it. `None` does not clip.
    pub clip_norm: Option<f64>,
    /// Seed of the adapter's initialisation and of the batch order.
    pub seed: u64,
    /// How the losses of an example's target tokens become its loss. `mean` is left out of the JSON.
    #[serde(skip_serializing_if = "LossReduction::is_mean")]
    pub loss: LossReduction,
    /// Steps between logged states.
    pub checkpoint_every: u64,
    /// Steps between evaluations. 0 evaluates at the end only.
    pub eval_every: u64,
    /// The adapter's settings.
    pub lora: LoraConfig,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            epochs: 2,
            batch_size: 4,
            max_len: 128,
            learning_rate: 1e-3,
            warmup_steps: 10,
            schedule: Schedule::Linear,
            beta1: 0.95,
            beta2: 0.975,
            eps: 1e-8,
            eps_root: 1e-8,
            weight_decay: 0.01,
            clip_norm: None,
            seed: 0,
            loss: LossReduction::Mean,
            checkpoint_every: 10,
            eval_every: 0,
            lora: LoraConfig::default(),
        }
    }
}

impl TrainConfig {
    /// Fails if a value is out of range. The error names the field.
    pub fn validate(&self) -> Result<()> {
        for (field, value, limit) in
            [("epochs", self.epochs, 1_000), ("batch_size", self.batch_size, 4_096), ("max_len", self.max_len, 1 << 20)]
        {
            if !(1..=limit).contains(&value) {
                return Err(LmError::config(field, format!("must be between 1 and {limit}, is {value}")));
            }
        }
        for (field, value) in [("beta1", self.beta1), ("beta2", self.beta2)] {
            if !(0.0..1.0).contains(&value) {
                return Err(LmError::config(field, format!("must be at least 0 and below 1, is {value}")));
            }
        }
        if !(self.learning_rate > 0.0 && self.learning_rate <= 1.0) {
            return Err(LmError::config(
                "learning_rate",
                format!("must be above 0 and at most 1, is {}", self.learning_rate),
            ));
        }
        for (field, value) in [("eps", self.eps), ("eps_root", self.eps_root), ("weight_decay", self.weight_decay)] {
            if !(0.0..=1.0).contains(&value) {
                return Err(LmError::config(field, format!("must be between 0 and 1, is {value}")));
            }
        }
        if self.eps == 0.0 && self.eps_root == 0.0 {
            return Err(LmError::config(
                "eps",
                "must be positive where `eps_root` is 0: a zero gradient divides by it",
            ));
        }
        if let Some(norm) = self.clip_norm
            && !(norm > 0.0 && norm.is_finite())
        {
            return Err(LmError::config("clip_norm", format!("must be positive, is {norm}; leave it out to not clip")));
        }
        self.loss.validate()?;
        if self.checkpoint_every == 0 {
            return Err(LmError::config("checkpoint_every", "must be at least 1"));
        }
        self.lora.validate()
    }

    /// SHA-256 of the compact JSON. The fields are in the order of their declaration.
    pub fn hash(&self) -> Digest {
        sha256_json(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid_and_survive_json() {
        let config = TrainConfig::default();
        config.validate().unwrap();
        let json = serde_json::to_string(&config).unwrap();
        let back: TrainConfig = serde_json::from_str(&json).unwrap();
        assert_eq!(back, config);
        assert_eq!(back.hash(), config.hash());
        assert_ne!(TrainConfig { seed: 1, ..config.clone() }.hash(), config.hash());
    }

    #[test]
    fn each_bad_value_names_its_field() {
        let d = TrainConfig::default;
        let cases = [
            ("epochs", TrainConfig { epochs: 0, ..d() }),
            ("batch_size", TrainConfig { batch_size: 0, ..d() }),
            ("max_len", TrainConfig { max_len: 0, ..d() }),
            ("learning_rate", TrainConfig { learning_rate: f64::NAN, ..d() }),
            ("beta1", TrainConfig { beta1: 1.0, ..d() }),
            ("beta2", TrainConfig { beta2: -0.1, ..d() }),
            ("eps", TrainConfig { eps: 0.0, eps_root: 0.0, ..d() }),
            ("weight_decay", TrainConfig { weight_decay: -1.0, ..d() }),
            ("clip_norm", TrainConfig { clip_norm: Some(0.0), ..d() }),
            ("loss", TrainConfig { loss: LossReduction::Sum { denominator: 0 }, ..d() }),
            ("checkpoint_every", TrainConfig { checkpoint_every: 0, ..d() }),
            ("lora.rank", TrainConfig { lora: LoraConfig { rank: 0, ..Default::default() }, ..d() }),
        ];
        for (expected, config) in cases {
            match config.validate() {
                Err(LmError::Config { field, .. }) => assert_eq!(field, expected),
                other => panic!("{expected}: {other:?}"),
            }
        }
    }

    #[test]
    fn the_mean_is_left_out_and_a_sum_changes_the_hash() {
        let (mean, sum) = (LossReduction::Mean, LossReduction::Sum { denominator: 32 });
        let json = |loss| serde_json::to_string(&TrainConfig { loss, ..Default::default() }).unwrap();
        assert!(!json(mean).contains("loss"));
        assert!(json(sum).contains(r#""loss":{"sum":{"denominator":32}}"#), "{}", json(sum));
        for loss in [mean, sum] {
            assert_eq!(serde_json::from_str::<TrainConfig>(&json(loss)).unwrap().loss, loss);
        }
        assert_ne!(TrainConfig { loss: sum, ..Default::default() }.hash(), TrainConfig::default().hash());
    }

    #[test]
    fn an_unknown_field_is_refused() {
        assert!(serde_json::from_str::<TrainConfig>(r#"{"learning_rat": 0.1}"#).is_err());
    }
}
