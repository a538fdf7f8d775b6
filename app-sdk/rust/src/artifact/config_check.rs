//! Refuses a job's config that no operator would run. Whoever asks for a job uses it before paying, and every operator
//! before working: what can be known from the config alone is decided here, once.
//!
//! What depends on the base model, on the documents or on a parent is decided when the job is planned.

use super::{JobConfig, TrainSettings};
use model::state::MAX_SEGMENTS;
use std::{fmt::Display, ops::RangeInclusive};

/// Longest config that is read, in bytes.
pub const MOST_CONFIG_BYTES: u64 = 64 << 10;

/// The layers that may have an adapter, in their order.
const TARGETS: [&str; 7] = ["q", "k", "v", "o", "gate", "up", "down"];

/// Why no operator would run a job with a config.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It does not parse.
    #[error("it is not the JSON of a job's configuration: {0}")]
    Json(#[from] serde_json::Error),
    /// It is too long.
    #[error("it has {0} bytes, and at most {MOST_CONFIG_BYTES} are read")]
    Length(u64),
    /// A value is out of range, or a name is unknown.
    #[error("`{setting}` {reason}")]
    Setting {
        /// The setting.
        setting: &'static str,
        /// What is wrong, and what to do.
        reason: String,
    },
}

type Checked = Result<(), ConfigError>;

impl JobConfig {
    /// Reads a config and checks it ([`JobConfig::check`]).
    pub fn parse(bytes: &[u8]) -> Result<Self, ConfigError> {
        if bytes.len() as u64 > MOST_CONFIG_BYTES {
            return Err(ConfigError::Length(bytes.len() as u64));
        }
        let config: Self = serde_json::from_slice(bytes)?;
        config.check()?;
        Ok(config)
    }

    /// Fails if a value is out of range or a name is unknown. The error names the setting and what it may be.
    pub fn check(&self) -> Checked {
        least("data.max_examples", self.data.max_examples, 1)?;
        within("data.max_tokens", self.data.max_tokens, 1..=1 << 20)?;
        self.data.max_windows.map_or(Ok(()), |windows| least("data.max_windows", windows, 1))?;
        self.train.check()?;
        let index = &self.index;
        one_of("index.projection", &index.projection, &["adapter", "random"])?;
        within("index.k", index.k, 1..=4096)?;
        one_of("index.preconditioner", &index.preconditioner, &["none", "fisher", "kfac", "ekfac"])?;
        // A run has at most as many states as a log has segments.
        within("index.states", index.states, 1..=usize::from(MAX_SEGMENTS))?;
        one_of("index.query", &index.query, &["end", "all"])?;
        // Without preconditioner, damping only measures which gradients are outliers.
        if index.preconditioner != "none" || self.pay.outlier_limit.is_some() {
            positive("index.damping", index.damping)?;
        }
        within("audit.first_step", self.audit.first_step, 1e-4..=1.0)?;
        within("audit.asymmetry", self.audit.asymmetry, 1e-5..=0.5)?;
        self.check_pay()
    }

    fn check_pay(&self) -> Checked {
        let pay = &self.pay;
        share("pay.near_text", pay.near_text)?;
        pay.near_gradient.map_or(Ok(()), |cosine| share("pay.near_gradient", cosine))?;
        pay.outlier_limit.map_or(Ok(()), |limit| within("pay.outlier_limit", limit, 1.0..=f64::MAX))?;
        within("pay.noise_floor", pay.noise_floor, 0.0..=f64::MAX)?;
        within("pay.cap_ppm", pay.cap_ppm, 1..=1_000_000)?;
        within("pay.least_agreement_ppm", pay.least_agreement_ppm, -1_000_000..=1_000_000)?;
        one_of("pay.fallback", &pay.fallback, &["tokens"])
    }
}

impl TrainSettings {
    /// Fails if a value is out of range or a name is unknown.
    pub fn check(&self) -> Checked {
        within("train.epochs", self.epochs, 1..=1_000)?;
        within("train.batch_size", self.batch_size, 1..=4_096)?;
        share("train.learning_rate", self.learning_rate)?;
        one_of("train.schedule", &self.schedule, &["constant", "linear", "cosine"])?;
        for (setting, beta) in [("train.beta1", self.beta1), ("train.beta2", self.beta2)] {
            if !(0.0..1.0).contains(&beta) {
                return wrong(setting, format!("is {beta}; it must be at least 0 and below 1"));
            }
        }
        within("train.eps", self.eps, 0.0..=1.0)?;
        within("train.eps_root", self.eps_root, 0.0..=1.0)?;
        if self.eps == 0.0 && self.eps_root == 0.0 {
            return wrong("train.eps", "is 0; it must be above 0 where `train.eps_root` is 0".into());
        }
        within("train.weight_decay", self.weight_decay, 0.0..=1.0)?;
        self.clip_norm.map_or(Ok(()), |norm| positive("train.clip_norm", norm))?;
        self.loss_denominator.map_or(Ok(()), |denominator| least("train.loss_denominator", denominator, 1))?;
        least("train.checkpoint_every", self.checkpoint_every, 1)?;
        within("train.lora.rank", self.lora.rank, 1..=1_024)?;
        positive("train.lora.alpha", self.lora.alpha)?;
        let places: Vec<_> = self.lora.targets.iter().map(|t| TARGETS.iter().position(|known| known == t)).collect();
        if places.is_empty() || places.contains(&None) || !places.is_sorted_by(|a, b| a < b) {
            let reason =
                format!("is {:?}; name each layer once, in the order {}", self.lora.targets, TARGETS.join(", "));
            return wrong("train.lora.targets", reason);
        }
        within("train.runs", self.runs, 1..=super::MOST_RUNS)
    }
}

fn wrong(setting: &'static str, reason: String) -> Checked {
    Err(ConfigError::Setting { setting, reason })
}

fn within<T: PartialOrd + Display>(setting: &'static str, value: T, range: RangeInclusive<T>) -> Checked {
    match range.contains(&value) {
        true => Ok(()),
        false => wrong(setting, format!("is {value}; it must be between {} and {}", range.start(), range.end())),
    }
}

fn least<T: PartialOrd + Display>(setting: &'static str, value: T, least: T) -> Checked {
    if value >= least { Ok(()) } else { wrong(setting, format!("is {value}; it must be at least {least}")) }
}

fn positive(setting: &'static str, value: f64) -> Checked {
    let positive = value > 0.0 && value.is_finite();
    if positive { Ok(()) } else { wrong(setting, format!("is {value}; it must be above 0")) }
}

fn share(setting: &'static str, value: f64) -> Checked {
    let inside = value > 0.0 && value <= 1.0;
    if inside { Ok(()) } else { wrong(setting, format!("is {value}; it must be above 0 and at most 1")) }
}

fn one_of(setting: &'static str, value: &str, names: &[&str]) -> Checked {
    match names.contains(&value) {
        true => Ok(()),
        false => wrong(setting, format!("is {value:?}; use {}", names.join(" or "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_and_the_ends_of_each_range_are_taken() {
        for json in [
            "{}",
            r#"{"index": {"states": 1, "k": 1}, "train": {"runs": 8}}"#,
            r#"{"index": {"states": 64, "k": 4096, "query": "all"}, "train": {"learning_rate": 1}}"#,
            r#"{"index": {"preconditioner": "none", "damping": 0}, "pay": {"outlier_limit": null}}"#,
        ] {
            JobConfig::parse(json.as_bytes()).unwrap();
        }
    }

    #[test]
    fn a_config_that_no_operator_would_run_is_refused_before_anybody_pays_for_it() {
        for (json, named) in [
            (r#"{"index": {"states": 0}}"#, "`index.states` is 0; it must be between 1 and 64"),
            (r#"{"index": {"states": 65}}"#, "`index.states` is 65"),
            (r#"{"index": {"states": 10000000000}}"#, "`index.states` is 10000000000"),
            (r#"{"index": {"k": 0}}"#, "`index.k` is 0"),
            (r#"{"index": {"k": 4097}}"#, "`index.k` is 4097"),
            (r#"{"index": {"projection": "pca"}}"#, "adapter or random"),
            (r#"{"index": {"preconditioner": "adam"}}"#, "none or fisher or kfac or ekfac"),
            (r#"{"index": {"query": "start"}}"#, "end or all"),
            (r#"{"index": {"damping": 0}}"#, "`index.damping`"),
            (r#"{"index": {"damping": 0, "preconditioner": "none"}, "pay": {"outlier_limit": 9}}"#, "`index.damping`"),
            (r#"{"data": {"max_examples": 0}}"#, "`data.max_examples`"),
            (r#"{"data": {"max_tokens": 0}}"#, "`data.max_tokens`"),
            (r#"{"data": {"max_windows": 0}}"#, "`data.max_windows`"),
            (r#"{"train": {"epochs": 0}}"#, "`train.epochs`"),
            (r#"{"train": {"batch_size": 5000}}"#, "`train.batch_size`"),
            (r#"{"train": {"learning_rate": 0}}"#, "`train.learning_rate`"),
            (r#"{"train": {"schedule": "bumpy"}}"#, "constant or linear or cosine"),
            (r#"{"train": {"beta1": 1}}"#, "`train.beta1`"),
            (r#"{"train": {"eps": 0, "eps_root": 0}}"#, "`train.eps`"),
            (r#"{"train": {"weight_decay": -1}}"#, "`train.weight_decay`"),
            (r#"{"train": {"clip_norm": 0}}"#, "`train.clip_norm`"),
            (r#"{"train": {"loss_denominator": 0}}"#, "`train.loss_denominator`"),
            (r#"{"train": {"checkpoint_every": 0}}"#, "`train.checkpoint_every`"),
            (r#"{"train": {"lora": {"rank": 0}}}"#, "`train.lora.rank`"),
            (r#"{"train": {"lora": {"alpha": 0}}}"#, "`train.lora.alpha`"),
            (r#"{"train": {"lora": {"targets": []}}}"#, "`train.lora.targets`"),
            (r#"{"train": {"lora": {"targets": ["v", "q"]}}}"#, "`train.lora.targets`"),
            (r#"{"train": {"lora": {"targets": ["x"]}}}"#, "`train.lora.targets`"),
            (r#"{"train": {"runs": 9}}"#, "`train.runs` is 9"),
            (r#"{"audit": {"first_step": 0}}"#, "`audit.first_step`"),
            (r#"{"audit": {"asymmetry": 1}}"#, "`audit.asymmetry`"),
            (r#"{"pay": {"near_text": 0}}"#, "`pay.near_text`"),
            (r#"{"pay": {"near_gradient": 1.5}}"#, "`pay.near_gradient`"),
            (r#"{"pay": {"outlier_limit": 0.5}}"#, "`pay.outlier_limit`"),
            (r#"{"pay": {"noise_floor": -1}}"#, "`pay.noise_floor`"),
            (r#"{"pay": {"cap_ppm": 0}}"#, "`pay.cap_ppm`"),
            (r#"{"pay": {"least_agreement_ppm": 1000001}}"#, "`pay.least_agreement_ppm`"),
            (r#"{"pay": {"fallback": "luck"}}"#, "`pay.fallback`"),
            (r#"{"pay": {"cap": 1}}"#, "not the JSON"),
            ("not JSON", "not the JSON"),
        ] {
            let refused = JobConfig::parse(json.as_bytes()).unwrap_err().to_string();
            assert!(refused.contains(named), "{json}: {refused}");
        }
        let long = vec![b' '; MOST_CONFIG_BYTES as usize + 1];
        assert!(matches!(JobConfig::parse(&long), Err(ConfigError::Length(_))));
    }
}
