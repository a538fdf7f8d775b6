//! What attacks on the pay gain: trains a tiny model on honest documents, then on each attack, and prints the
//! attacker's total pay over its honest pay as the median over seeds.
//!
//! ```text
//! RAYON_NUM_THREADS=1 CANDLE_NUM_THREADS=1 cargo run -p openledger-attribution --example gaming -- [--json] [SEEDS]
//! ```

use anyhow::{Context, Result};
use openledger_attribution::{
    LograSettings, ProjectionSettings,
    gaming::{Attack, Corpus, Outcome, Suite, logra_scorer},
    pay::PaySettings,
};
use openledger_lm::{BaseModel, LlamaConfig, LoraConfig, Tokenizer, TrainConfig};
use std::sync::Arc;

const DOCUMENTS: usize = 40;

fn outcomes(seed: u64, settings: &PaySettings) -> Result<(u64, Vec<Outcome>)> {
    let base = Arc::new(BaseModel::random(&LlamaConfig::tiny(), seed)?);
    let train = TrainConfig {
        epochs: 15,
        batch_size: 8,
        learning_rate: 5e-3,
        seed,
        lora: LoraConfig { rank: 8, alpha: 16.0, ..Default::default() },
        ..Default::default()
    };
    let logra = LograSettings {
        projection: ProjectionSettings { seed, ..Default::default() },
        unit_norm: false,
        ..Default::default()
    };
    let scratch = tempfile::tempdir()?;
    let scorer = logra_scorer(base, train, logra, scratch.path());
    let suite = Suite::new(Corpus::countries(DOCUMENTS, seed), Tokenizer::bytes(), &scorer, settings.clone())?;
    let outcomes = Attack::all().into_iter().map(|attack| suite.run(attack)).collect::<Result<_, _>>()?;
    Ok((suite.honest_share(), outcomes))
}

fn median(outcomes: &[&Outcome], value: impl Fn(&Outcome) -> f64) -> f64 {
    let mut values: Vec<f64> = outcomes.iter().map(|o| value(o)).collect();
    values.sort_by(f64::total_cmp);
    (values[(values.len() - 1) / 2] + values[values.len() / 2]) / 2.0
}

fn main() -> Result<()> {
    let (mut json, mut seeds) = (false, 3u64);
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--json" => json = true,
            number => seeds = number.parse().context("usage: gaming [--json] [SEEDS]")?,
        }
    }
    anyhow::ensure!(seeds > 0, "SEEDS must be at least 1");
    let settings = PaySettings::default();
    let runs = (0..seeds).map(|seed| outcomes(seed, &settings)).collect::<Result<Vec<_>>>()?;
    if json {
        let report = serde_json::json!({
            "documents": DOCUMENTS,
            "settings": settings,
            "settings_hash": hex::encode(settings.hash()),
            "runs": runs.iter().enumerate().map(|(seed, (honest, outcomes))| serde_json::json!({
                "seed": seed, "honest_ppm": honest, "outcomes": outcomes,
            })).collect::<Vec<_>>(),
        });
        println!("{}", serde_json::to_string_pretty(&report)?);
        return Ok(());
    }
    println!("honest shares of the attacker, ppm: {:?}", runs.iter().map(|r| r.0).collect::<Vec<_>>());
    println!(
        "{:<26} {:>10} {:>7} {:>7} | {:>7} {:>7} | {:>8}",
        "attack", "owned", "paid", "largest", "others", "trained", "no rules"
    );
    for (i, attack) in Attack::all().into_iter().enumerate() {
        let all: Vec<&Outcome> = runs.iter().map(|(_, outcomes)| &outcomes[i]).collect();
        let largest = all.iter().map(|o| o.multiplier).fold(0.0, f64::max);
        println!(
            "{:<26} {:>4} of {:>2} {:>7.3} {largest:>7.3} | {:>7.3} {:>7.3} | {:>8.3}",
            format!("{attack:?}").replace(['{', '}'], ""),
            all[0].owned,
            all[0].registered,
            median(&all, |o| o.multiplier),
            median(&all, |o| o.others),
            median(&all, |o| o.multiplier_all_trained),
            median(&all, |o| o.multiplier_without_rules),
        );
    }
    Ok(())
}
