//! Measures how much the examples with the largest scores matter. It compares a query's loss after training again
//! without the 1 % of the examples with the largest scores, and without as many random examples. The task folders are
//! those that the example `lds` wrote.
//!
//! ```text
//! RAYON_NUM_THREADS=1 CANDLE_NUM_THREADS=1 cargo run -p openledger-laboratory --example qld -- \
//!     SEED=FOLDER … [queries=6] [only=magic,random] [json=FILE]
//! ```
//! It pretrains the base model as `lds` did and trains each seed's job again. `only` keeps the methods with exactly
//! these names, separated by semicolons.

#[allow(dead_code)] // other examples use the rest
#[path = "support/job.rs"]
mod job;
#[allow(dead_code)] // other examples use the rest
#[path = "support/scores.rs"]
mod scores;
#[allow(dead_code)] // other examples use the rest
#[path = "support/tiny_job.rs"]
mod tiny_job;

use anyhow::{Context, Result, ensure};
use openledger_attribution::Query;
use openledger_laboratory::evaluate::retrain::{query_losses, train_without};
use serde::Serialize;
use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
};
use tiny_job::JobOptions;

/// Share of the examples that are left out.
const FRACTION: f64 = 0.01;

/// A line of the table.
#[derive(Serialize)]
struct Row {
    name: String,
    /// Number of retrainings behind the line.
    queries: usize,
    /// Mean rise of the query's loss.
    mean: f64,
    /// Lower end of the mean's 95 % interval: 1.96 standard errors over queries and seeds.
    low: f64,
    high: f64,
}

impl Row {
    fn new(name: String, rises: &[f64]) -> Self {
        let n = rises.len() as f64;
        let mean = rises.iter().sum::<f64>() / n;
        let variance = rises.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
        let half = 1.96 * (variance / n).sqrt();
        Self { name, queries: rises.len(), mean, low: mean - half, high: mean + half }
    }
}

/// The positions of the `count` largest scores, sorted.
fn largest(scores: &[f32], count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    // Equal scores stay in the order of the examples.
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    order.truncate(count);
    order.sort_unstable();
    order
}

fn main() -> Result<()> {
    let (mut tasks, mut queries, mut only, mut output) = (Vec::new(), 6usize, None::<Vec<String>>, None::<PathBuf>);
    for argument in std::env::args().skip(1) {
        let (key, value) = argument.split_once('=').with_context(|| format!("`{argument}` is not key=value"))?;
        match key {
            "queries" => queries = value.parse()?,
            "only" => only = Some(value.split(';').map(String::from).collect()),
            "json" => output = Some(value.into()),
            seed => {
                let seed: u64 = seed.parse().with_context(|| format!("`{seed}` is neither an option nor a seed"))?;
                tasks.push((seed, PathBuf::from(value)));
            }
        }
    }
    ensure!(!tasks.is_empty(), "give the task folders as SEED=FOLDER");
    let mut rises: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for (seed, folder) in tasks {
        let mut scores = scores::read(&folder)?;
        scores.retain(|name, _| only.as_ref().is_none_or(|only| only.contains(name)));
        let some = scores.values().next().with_context(|| format!("{} has no such scores", folder.display()))?;
        let examples = some.scores[0].len();
        let options = JobOptions { seed, examples, queries: some.scores.len(), ..Default::default() };
        let (job, asked) = tiny_job::train(&options)?;
        let count = ((FRACTION * examples as f64).round() as usize).max(1);
        let whole = query_losses(&job.base, Some(&job.adapter), &asked)?;
        // Methods that name the same examples share a retraining.
        let mut known: HashMap<(usize, Vec<usize>), f64> = HashMap::new();
        for (name, file) in &scores {
            for (q, scores) in file.scores.iter().take(queries).enumerate() {
                let removed = largest(scores, count);
                let rise = match known.get(&(q, removed.clone())) {
                    Some(rise) => *rise,
                    None => {
                        let without = train_without(&job.base, &job.config, &job.examples, &removed)?;
                        let query: &[Query] = std::slice::from_ref(&asked[q]);
                        let rise = query_losses(&job.base, Some(&without), query)?[0] - whole[q];
                        known.insert((q, removed), rise);
                        rise
                    }
                };
                rises.entry(name.clone()).or_default().push(rise);
            }
            println!("seed {seed}: {name}");
        }
    }
    let mut rows: Vec<Row> = rises.into_iter().map(|(name, rises)| Row::new(name, &rises)).collect();
    rows.sort_by(|a, b| b.mean.total_cmp(&a.mean));
    println!("{:<50} {:>8} {:>26}", "method", "queries", "rise of the query's loss");
    for row in &rows {
        let cell = format!("{:.4} [{:.4}, {:.4}]", row.mean, row.low, row.high);
        println!("{:<50} {:>8} {cell:>26}", row.name, row.queries);
    }
    if let Some(path) = output {
        std::fs::write(path, serde_json::to_vec_pretty(&rows)?)?;
    }
    Ok(())
}
