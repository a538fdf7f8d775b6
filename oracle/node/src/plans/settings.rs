//! The settings that a job's config asks for, checked before the job is taken.

use anyhow::{Context, Result, ensure};
use openledger_attribution::MagicSettings;
use openledger_lm::{LoraConfig, LossReduction, TrainConfig};
use openledger_sdk::artifact::{AuditSettings, TrainSettings};

/// The trainer's settings. Fails if a layer or the schedule has an unknown name, or a value is out of range.
pub fn train_config(settings: &TrainSettings, max_len: usize, seed: u64) -> Result<TrainConfig> {
    let name = |v: &str| serde_json::Value::String(v.to_string());
    let targets = settings.lora.targets.iter().map(|t| {
        serde_json::from_value(name(t)).with_context(|| format!("{t:?} is no layer; use q, k, v, o, gate, up, down"))
    });
    let config = TrainConfig {
        epochs: settings.epochs,
        batch_size: settings.batch_size,
        max_len,
        learning_rate: settings.learning_rate,
        warmup_steps: settings.warmup_steps,
        schedule: serde_json::from_value(name(&settings.schedule))
            .with_context(|| format!("schedule {:?}: use constant, linear or cosine", settings.schedule))?,
        beta1: settings.beta1,
        beta2: settings.beta2,
        eps: settings.eps,
        eps_root: settings.eps_root,
        weight_decay: settings.weight_decay,
        clip_norm: settings.clip_norm,
        seed,
        loss: LossReduction::Mean,
        checkpoint_every: settings.checkpoint_every,
        eval_every: 0,
        lora: LoraConfig {
            rank: settings.lora.rank,
            alpha: settings.lora.alpha,
            targets: targets.collect::<Result<_>>()?,
        },
    };
    config.validate()?;
    Ok(config)
}

/// The exact attribution's settings. Fails if a value is out of range.
pub fn magic_settings(settings: &AuditSettings) -> Result<MagicSettings> {
    let settings = MagicSettings { first_step: settings.first_step, asymmetry: settings.asymmetry };
    settings.validate().context("the config's `audit`")?;
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use openledger_sdk::artifact;

    #[test]
    fn a_config_with_defaults_alone_is_valid() {
        let config: JobConfig = serde_json::from_str("{}").unwrap();
        train_config(&config.train, config.data.max_tokens, 1).unwrap();
        assert_eq!(magic_settings(&config.audit).unwrap(), MagicSettings::default());
        let bad = TrainSettings { schedule: "bumpy".into(), ..config.train };
        assert!(format!("{:#}", train_config(&bad, 96, 1).unwrap_err()).contains("constant, linear or cosine"));
    }
}
