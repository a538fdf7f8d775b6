//! The linear datamodeling score of every method on a tiny Llama that learns ten text transformations.
//!
//! ```text
//! RAYON_NUM_THREADS=1 CANDLE_NUM_THREADS=1 cargo run -p openledger-attribution --example lds -- [key=value …]
//! ```
//! Pretrains a base model on neutral text, trains an adapter on 400 examples, trains it again without random subsets
//! (1.5 % and half of the examples), and ranks each method's predictions against the real changes of the queries' losses.
//! `only=logra,random` keeps the methods whose names contain one of these; `json=FILE` writes the table there too.

#[path = "../support/job.rs"]
mod job;
#[path = "../support/methods.rs"]
mod methods;

use anyhow::{Context, Result, bail};
use job::Job;
use openledger_attribution::{
    Query,
    evaluate::{
        lds::{Judged, lds, predicted},
        retrain::{query_losses, train_without},
        subsets::leave_out,
        tiny, transformations,
    },
};
use openledger_lm::{LoraConfig, Target, Tokenizer, TrainConfig};
use std::{path::PathBuf, sync::Arc, time::Instant};

/// What to run.
struct Options {
    examples: usize,
    queries: usize,
    /// Retrainings without 1.5 % of the examples.
    small: usize,
    /// Retrainings without half of them.
    half: usize,
    seed: u64,
    pretrain_epochs: usize,
    only: String,
    json: Option<PathBuf>,
}

impl Options {
    fn parse() -> Result<Self> {
        let mut options = Self {
            examples: 400,
            queries: 20,
            small: 48,
            half: 32,
            seed: 0,
            pretrain_epochs: tiny::EPOCHS,
            only: String::new(),
            json: None,
        };
        for argument in std::env::args().skip(1) {
            let (key, value) = argument.split_once('=').with_context(|| format!("`{argument}` is not key=value"))?;
            match key {
                "examples" => options.examples = value.parse()?,
                "queries" => options.queries = value.parse()?,
                "small" => options.small = value.parse()?,
                "half" => options.half = value.parse()?,
                "seed" => options.seed = value.parse()?,
                "pretrain" => options.pretrain_epochs = value.parse()?,
                "only" => value.clone_into(&mut options.only),
                "json" => options.json = Some(value.into()),
                _ => bail!("`{argument}` is not known"),
            }
        }
        Ok(options)
    }
}

fn config(seed: u64) -> TrainConfig {
    TrainConfig {
        epochs: 6,
        batch_size: 16,
        max_len: 64,
        learning_rate: 5e-3,
        warmup_steps: 37,
        seed,
        lora: LoraConfig { rank: 4, alpha: 8.0, targets: Target::ALL.to_vec() },
        ..Default::default()
    }
}

fn train(options: &Options) -> Result<Job> {
    let tokenizer = Arc::new(Tokenizer::bytes());
    let (start, mut recent) = (Instant::now(), Vec::new());
    let base = tiny::base_model(&tokenizer, options.pretrain_epochs, |step, loss| {
        recent.push(loss);
        if step % 125 == 0 {
            println!("  step {step}: loss {:.3}", recent.drain(..).sum::<f32>() / 125.0);
        }
    })?;
    println!("pretrained in {:.1?}", start.elapsed());
    let all: Vec<usize> = (0..transformations::COUNT).collect();
    let examples = transformations::examples(&tokenizer, options.examples, 11, &all, false)?;
    Job::train(Arc::new(base), tokenizer, config(options.seed), examples.into())
}

/// Subsets left out, and how much each query's loss really changed: queries × subsets.
struct Regime {
    name: &'static str,
    removed: Vec<Vec<usize>>,
    actual: Vec<Vec<f64>>,
}

fn regime(job: &Job, queries: &[Query], name: &'static str, fraction: f64, count: usize, seed: u64) -> Result<Regime> {
    let start = Instant::now();
    let removed = leave_out(job.examples.len(), fraction, count, seed)?;
    let whole = query_losses(&job.base, Some(&job.adapter), queries)?;
    let mut actual = vec![Vec::with_capacity(count); queries.len()];
    for subset in &removed {
        let adapter = train_without(&job.base, &job.config, &job.examples, subset)?;
        for ((changes, loss), whole) in
            actual.iter_mut().zip(query_losses(&job.base, Some(&adapter), queries)?).zip(&whole)
        {
            changes.push(loss - whole);
        }
    }
    let mean = actual.iter().flatten().map(|v| v.abs()).sum::<f64>() / (count * queries.len()) as f64;
    println!("{name}: {count} retrainings in {:.1?}, mean change of a query's loss {mean:.4}", start.elapsed());
    Ok(Regime { name, removed, actual })
}

fn main() -> Result<()> {
    let options = Options::parse()?;
    let job = train(&options)?;
    let queries = transformations::queries(&job.tokenizer, options.queries, 999)?;
    let [before, after] = [None, Some(&job.adapter)]
        .map(|adapter| query_losses(&job.base, adapter, &queries).map(|l| l.iter().sum::<f64>() / l.len() as f64));
    println!("queries' mean loss {:.3} → {:.3}", before?, after?);

    let regimes = [
        regime(&job, &queries, "leave 1.5 %", 0.015, options.small, options.seed)?,
        regime(&job, &queries, "leave 50 %", 0.5, options.half, options.seed)?,
    ];
    println!("{:<44} {:>24} {:>24} {:>9} {:>9}", "method", regimes[0].name, regimes[1].name, "ready", "query");
    let mut table = Vec::new();
    for (name, build) in methods::chosen(&options.only) {
        let start = Instant::now();
        let method = build(&job).with_context(|| name.clone())?;
        let ready = start.elapsed();
        let start = Instant::now();
        let scores = queries.iter().map(|q| Ok(method.score(q)?.values)).collect::<Result<Vec<Vec<f32>>>>()?;
        let asked = start.elapsed() / queries.len() as u32;
        let mut row = serde_json::json!({
            "name": name, "method": method.method(), "settings": method.settings(),
            "ready_seconds": ready.as_secs_f64(), "query_seconds": asked.as_secs_f64(),
        });
        let mut cells = Vec::new();
        for regime in &regimes {
            let sums: Vec<Vec<f64>> =
                scores.iter().map(|s| regime.removed.iter().map(|r| predicted(s, r)).collect()).collect();
            let found = lds(&[Judged { predicted: &sums, actual: &regime.actual }], options.seed)?;
            cells.push(format!("{:.3} [{:.2}, {:.2}]", found.mean, found.low, found.high));
            row[regime.name] = serde_json::to_value(&found)?;
        }
        println!("{name:<44} {:>24} {:>24} {ready:>9.1?} {asked:>9.1?}", cells[0], cells[1]);
        table.push(row);
    }
    if let Some(path) = &options.json {
        std::fs::write(path, serde_json::to_vec_pretty(&table)?)?;
    }
    Ok(())
}
