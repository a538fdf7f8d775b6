//! The settings that a job's config asks for, checked before the job is taken.

use anyhow::{Context, Result, ensure};
use openledger_attribution::MagicSettings;
use openledger_lm::{LoraConfig, LossReduction, TrainConfig};
use openledger_pay::{ClusterSettings, Normalisation, PaySettings, clusters};
use openledger_sdk::artifact::{JobConfig, SettlementSettings, TrainSettings};

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
pub fn magic_settings(settings: &SettlementSettings) -> Result<MagicSettings> {
    let settings = MagicSettings { first_step: settings.first_step, asymmetry: settings.asymmetry };
    settings.validate().context("the config's `settlement`")?;
    Ok(settings)
}

/// The rules of pay. `seed` seeds the hashes that find near duplicates. Fails if a value is out of range, or if an
/// outlier limit is set without damping.
pub fn pay_settings(config: &JobConfig, seed: u64) -> Result<PaySettings> {
    let asked = &config.pay;
    let mut clusters = ClusterSettings {
        seed,
        near: clusters::NearSettings { jaccard: asked.near_text, ..Default::default() },
        ..Default::default()
    };
    if let Some(cosine) = asked.near_gradient {
        clusters.gradient.cosine = cosine;
    }
    let settings = PaySettings {
        clusters,
        normalisation: match asked.outlier_limit {
            Some(limit) => Normalisation::Guard { limit },
            None => Normalisation::None,
        },
        noise_floor: asked.noise_floor,
        cap_ppm: asked.cap_ppm,
    };
    settings.validate().context("the config's `pay`")?;
    ensure!(
        asked.outlier_limit.is_none() || config.index.damping > 0.0,
        "the config's `pay.outlier_limit` measures gradients by the damped Fisher matrix: set `index.damping` above 0"
    );
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
        assert_eq!(magic_settings(&config.settlement).unwrap(), MagicSettings::default());
        let pay = pay_settings(&config, 5).unwrap();
        let clusters = ClusterSettings { seed: 5, ..Default::default() };
        assert_eq!(pay, PaySettings { clusters, ..PaySettings::exact() });
        let bad = TrainSettings { schedule: "bumpy".into(), ..config.train };
        assert!(format!("{:#}", train_config(&bad, 96, 1).unwrap_err()).contains("constant, linear or cosine"));
    }

    #[test]
    fn bad_rules_of_pay_are_refused_before_the_job_is_taken() {
        let refused = |json: &str| {
            let config: JobConfig = serde_json::from_str(json).unwrap();
            format!("{:#}", pay_settings(&config, 1).err().or(magic_settings(&config.settlement).err()).unwrap())
        };
        for (json, named) in [
            (r#"{"pay": {"near_text": 0}}"#, "near.jaccard"),
            (r#"{"pay": {"near_gradient": 1.5}}"#, "gradient.cosine"),
            (r#"{"pay": {"outlier_limit": 0.5}}"#, "normalisation.limit"),
            (r#"{"pay": {"outlier_limit": 9}, "index": {"damping": 0}}"#, "index.damping"),
            (r#"{"pay": {"noise_floor": -1}}"#, "noise_floor"),
            (r#"{"pay": {"cap_ppm": 0}}"#, "cap_ppm"),
            (r#"{"settlement": {"first_step": 0}}"#, "first_step"),
        ] {
            assert!(refused(json).contains(named), "{json}: {}", refused(json));
        }
        assert!(serde_json::from_str::<JobConfig>(r#"{"pay": {"cap": 1}}"#).is_err());
    }

    #[test]
    fn every_rule_that_is_asked_for_is_applied() {
        let config = JobConfig {
            pay: artifact::PaySettings {
                near_text: 0.7,
                near_gradient: Some(0.9),
                outlier_limit: Some(9.0),
                noise_floor: 2.0,
                cap_ppm: 1_000_000,
            },
            ..Default::default()
        };
        let pay = pay_settings(&config, 1).unwrap();
        assert_eq!((pay.clusters.near.jaccard, pay.clusters.gradient.cosine), (0.7, 0.9));
        assert_eq!(
            (pay.normalisation, pay.noise_floor, pay.cap_ppm),
            (Normalisation::Guard { limit: 9.0 }, 2.0, 1_000_000)
        );
    }
}
