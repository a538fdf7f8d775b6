//! Makes the settings of training, attribution and pay of the names and numbers in a job's config.

use anyhow::{Context, Result, anyhow, bail};
use openledger_attribution::{LograSettings, Preconditioner, ProjectionKind, ProjectionSettings, QueryStates};
use openledger_lm::{LoraConfig, LossReduction, TrainConfig};
use openledger_pay::{ClusterSettings, Normalisation, PaySettings, clusters};
use openledger_sdk::artifact::{JobConfig, TrainSettings};

/// LoGra's settings for a job. `seed` draws the projections: it is the manifest's `index_seed`. Fails if a name is
/// unknown or a value is out of range.
pub fn index_settings(config: &JobConfig, seed: u64) -> Result<LograSettings> {
    check(config)?;
    let (settings, runs) = (&config.index, config.train.runs);
    let kind = match settings.projection.as_str() {
        "adapter" => ProjectionKind::Adapter,
        "random" => ProjectionKind::Random,
        other => bail!("the config's `index.projection` is {other:?}; use adapter or random"),
    };
    let damping = settings.damping;
    let preconditioner = match settings.preconditioner.as_str() {
        "none" => Preconditioner::None,
        "fisher" => Preconditioner::Fisher { damping },
        "kfac" => Preconditioner::Kfac { damping },
        "ekfac" => Preconditioner::Ekfac { damping },
        other => bail!("the config's `index.preconditioner` is {other:?}; use none, fisher, kfac or ekfac"),
    };
    preconditioner.validate().context("the config's `index`")?;
    let query_states = match settings.query.as_str() {
        "end" => QueryStates::End,
        "all" => QueryStates::All,
        other => bail!("the config's `index.query` is {other:?}; use end or all"),
    };
    let (k, states) = (settings.k, settings.states);
    let projection =
        ProjectionSettings { kind, k_in: k, k_out: k, seed, states, query_states, runs, ..Default::default() };
    projection.validate().context("the config's `index`")?;
    Ok(LograSettings { projection, preconditioner, unit_norm: settings.unit_norm })
}

/// Fails as the SDK does for whoever asks for a job, so that operators refuse what it refuses.
fn check(config: &JobConfig) -> Result<()> {
    config.check().map_err(|e| anyhow!("the config's {e}"))
}

/// The trainer's settings for a run with this `seed`. Fails if a layer or the schedule has an unknown name, or a value is
/// out of range.
pub fn train_config(settings: &TrainSettings, max_len: usize, seed: u64) -> Result<TrainConfig> {
    settings.check().map_err(|e| anyhow!("the config's {e}"))?;
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
        loss: match settings.loss_denominator {
            Some(denominator) => LossReduction::Sum { denominator },
            None => LossReduction::Mean,
        },
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

/// The rules of pay. `seed` seeds the hashes that find near duplicates. Fails if a value is out of range, or if an
/// outlier limit is set without damping.
pub fn pay_settings(config: &JobConfig, seed: u64) -> Result<PaySettings> {
    check(config)?;
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
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use openledger_sdk::artifact::{self, IndexSettings};

    #[test]
    fn the_defaults_are_those_of_the_method_and_names_that_there_are_not_are_refused() {
        let settings = IndexSettings::default();
        let expected = LograSettings::default();
        let projection = ProjectionSettings { seed: 7, k_in: 64, k_out: 64, states: 6, ..expected.projection.clone() };
        let of = |index: IndexSettings| index_settings(&JobConfig { index, ..Default::default() }, 7);
        assert_eq!(of(settings.clone()).unwrap(), LograSettings { projection, ..expected });
        let refused = |settings: IndexSettings| format!("{:#}", of(settings).unwrap_err());
        assert!(refused(IndexSettings { projection: "pca".into(), ..settings.clone() }).contains("adapter or random"));
        assert!(refused(IndexSettings { preconditioner: "adam".into(), ..settings.clone() }).contains("ekfac"));
        assert!(refused(IndexSettings { damping: 0.0, ..settings }).contains("damping"));
    }

    #[test]
    fn numbers_of_the_index_out_of_range_are_refused_before_the_job_is_taken() {
        for (states, k) in [(0, 64), (65, 64), (10_000_000_000, 64), (6, 0), (6, 4097)] {
            let index = IndexSettings { states, k, ..Default::default() };
            let refused = index_settings(&JobConfig { index, ..Default::default() }, 7).unwrap_err();
            assert!(format!("{refused:#}").contains("it must be between 1 and"), "{refused:#}");
        }
    }

    #[test]
    fn a_config_with_defaults_alone_trains() {
        let config: JobConfig = serde_json::from_str("{}").unwrap();
        train_config(&config.train, config.data.max_tokens, 1).unwrap();
        let none = TrainSettings { runs: 0, ..config.train.clone() };
        assert!(format!("{:#}", train_config(&none, 96, 1).unwrap_err()).contains("`train.runs` is 0"));
        let bad = TrainSettings { schedule: "bumpy".into(), ..config.train };
        assert!(format!("{:#}", train_config(&bad, 96, 1).unwrap_err()).contains("constant or linear or cosine"));
    }

    #[test]
    fn the_index_has_as_many_runs_as_the_job() {
        let config: JobConfig = serde_json::from_str(r#"{"train": {"runs": 3}}"#).unwrap();
        assert_eq!(index_settings(&config, 7).unwrap().projection.runs, 3);
    }

    #[test]
    fn a_config_with_defaults_alone_pays_every_positive_score_and_holds_outliers() {
        let config: JobConfig = serde_json::from_str("{}").unwrap();
        let clusters = ClusterSettings { seed: 5, ..Default::default() };
        let expected =
            PaySettings { clusters, normalisation: Normalisation::Guard { limit: 1.5 }, ..PaySettings::exact() };
        assert_eq!(pay_settings(&config, 5).unwrap(), expected);
    }

    #[test]
    fn bad_rules_of_pay_are_refused_before_the_job_is_taken() {
        let refused = |json: &str| {
            let config: JobConfig = serde_json::from_str(json).unwrap();
            format!("{:#}", pay_settings(&config, 1).err().unwrap())
        };
        for (json, named) in [
            (r#"{"pay": {"near_text": 0}}"#, "near_text"),
            (r#"{"pay": {"near_gradient": 1.5}}"#, "near_gradient"),
            (r#"{"pay": {"outlier_limit": 0.5}}"#, "outlier_limit"),
            (r#"{"pay": {"outlier_limit": 9}, "index": {"damping": 0}}"#, "index.damping"),
            (r#"{"pay": {"noise_floor": -1}}"#, "noise_floor"),
            (r#"{"pay": {"cap_ppm": 0}}"#, "cap_ppm"),
            (r#"{"pay": {"least_agreement_ppm": 1000001}}"#, "least_agreement_ppm"),
            (r#"{"pay": {"fallback": "luck"}}"#, "fallback"),
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
                ..Default::default()
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
