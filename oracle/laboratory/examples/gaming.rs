//! Measures the gain from attacks on the pay. It trains a tiny model on honest documents, then on each attack. It
//! prints the attacker's pay over its honest pay: from the totals over all seeds, and as the median over seeds. In
//! `trained` duplicates are trained on. In `no rules` positive scores are paid as they are.
//!
//! ```text
//! RAYON_NUM_THREADS=1 CANDLE_NUM_THREADS=1 cargo run -p openledger-laboratory --example gaming -- [--json] [seeds=3] \
//!     [method=estimate|magic|logra] [settle=each|together] [epochs=…] [lr=…] [warmup=…] [damping=…] [pay=JSON of PaySettings]
//! ```
//! `estimate` is the default: the scores that pay. Each answer divides its own fee. `settle=together` adds all answers'
//! scores first, for contrast. `magic` has exact scores. `logra` is an estimate at the end of a rough training, with the
//! floor that such scores need. `pay` overrides the rules.

use anyhow::{Context, Result, bail};
use openledger_laboratory::gaming::{Attack, Corpus, Outcome, Scorer, Settle, Suite, TinyLogra, TinyMagic};
use openledger_pay::PaySettings;
use serde::Serialize;

const DOCUMENTS: usize = 40;

/// The method under attack.
#[derive(Clone, Serialize)]
#[serde(tag = "method", rename_all = "snake_case")]
enum Method {
    Magic(TinyMagic),
    Logra(TinyLogra),
}

impl Method {
    fn outcomes(&self, seed: u64, settle: Settle, settings: &PaySettings) -> Result<Vec<Outcome>> {
        let scratch = tempfile::tempdir()?;
        match self.clone() {
            Self::Magic(m) => attacked(&TinyMagic { seed, ..m }.scorer(scratch.path())?, seed, settle, settings),
            Self::Logra(m) => attacked(&TinyLogra { seed, ..m }.scorer(scratch.path())?, seed, settle, settings),
        }
    }
}

fn attacked(scorer: &Scorer, seed: u64, settle: Settle, settings: &PaySettings) -> Result<Vec<Outcome>> {
    let suite = Suite::new(Corpus::countries(DOCUMENTS, seed), settle, scorer, settings.clone())?;
    Ok(Attack::all().into_iter().map(|attack| suite.run(attack)).collect::<Result<_, _>>()?)
}

fn median(outcomes: &[&Outcome], value: impl Fn(&Outcome) -> f64) -> f64 {
    let mut values: Vec<f64> = outcomes.iter().map(|o| value(o)).collect();
    values.sort_by(f64::total_cmp);
    (values[(values.len() - 1) / 2] + values[values.len() / 2]) / 2.0
}

fn main() -> Result<()> {
    let (mut json, mut seeds, mut settle) = (false, 3u64, None);
    let (mut magic, mut logra, mut is_magic) =
        (TinyMagic { estimate: true, ..Default::default() }, TinyLogra::default(), true);
    let mut settings = None;
    for argument in std::env::args().skip(1) {
        if argument == "--json" {
            json = true;
            continue;
        }
        let (key, value) = argument.split_once('=').with_context(|| format!("`{argument}` is not key=value"))?;
        match key {
            "seeds" => seeds = value.parse()?,
            "method" if value == "estimate" || value == "magic" => {
                (is_magic, magic.estimate) = (true, value == "estimate");
            }
            "method" if value == "logra" => is_magic = false,
            "settle" => settle = Some(serde_json::from_value(value.into())?),
            "epochs" => (magic.epochs, logra.epochs) = (value.parse()?, value.parse()?),
            "lr" => (magic.learning_rate, logra.learning_rate) = (value.parse()?, value.parse()?),
            "warmup" => magic.warmup_steps = value.parse()?,
            "damping" => (magic.damping, logra.damping) = (value.parse()?, value.parse()?),
            "pay" => settings = Some(serde_json::from_str(value)?),
            _ => bail!("`{argument}` is not known"),
        }
    }
    let method = if is_magic { Method::Magic(magic) } else { Method::Logra(logra) };
    let settle = settle.unwrap_or(Settle::Each);
    let settings = settings.unwrap_or_else(if is_magic { PaySettings::exact } else { PaySettings::default });
    anyhow::ensure!(seeds > 0, "seeds must be at least 1");
    let runs = (0..seeds)
        .map(|seed| method.outcomes(seed, settle, &settings).with_context(|| format!("seed {seed}")))
        .collect::<Result<Vec<_>>>()?;
    if json {
        let report = serde_json::json!({
            "documents": DOCUMENTS,
            "method": method,
            "settle": settle,
            "settings": settings,
            "settings_hash": hex::encode(settings.hash()),
            "runs": runs.iter().enumerate().map(|(seed, outcomes)| serde_json::json!({ "seed": seed, "outcomes": outcomes })).collect::<Vec<_>>(),
        });
        println!("{}", serde_json::to_string_pretty(&report)?);
        return Ok(());
    }
    println!(
        "{:<26} {:>8} {:>7} {:>7} | {:>7} {:>7} | {:>8}",
        "attack", "owned", "total", "median", "others", "trained", "no rules"
    );
    for (i, attack) in Attack::all().into_iter().enumerate() {
        let all: Vec<&Outcome> = runs.iter().map(|outcomes| &outcomes[i]).collect();
        let total = |ppm: fn(&Outcome) -> u64| all.iter().map(|o| ppm(o)).sum::<u64>() as f64;
        println!(
            "{:<26} {:>2} of {:>2} {:>7.3} {:>7.3} | {:>7.3} {:>7.3} | {:>8.3}",
            format!("{attack:?}").replace(['{', '}'], ""),
            all[0].owned,
            all[0].registered,
            total(|o| o.attack_ppm) / total(|o| o.honest_ppm),
            median(&all, |o| o.multiplier),
            median(&all, |o| o.others),
            median(&all, |o| o.multiplier_all_trained),
            median(&all, |o| o.multiplier_without_rules),
        );
    }
    Ok(())
}
