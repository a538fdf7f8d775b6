//! The linear datamodeling score of every method on a tiny Llama that learns ten text transformations.
//!
//! ```text
//! RAYON_NUM_THREADS=1 CANDLE_NUM_THREADS=1 cargo run -p openledger-attribution --example lds -- [key=value …]
//! ```
//! Pretrains a base model on neutral text, trains an adapter on 400 examples, trains it again without random subsets
//! (1.5 % and half of the examples), and ranks each method's predictions against the real changes of the queries' losses.
//! `only=logra,random` keeps the methods whose names contain one of these; `json=FILE` writes the table there too.

mod methods;
#[path = "../support/tiny_job.rs"]
mod tiny_job;

use anyhow::{Context, Result, bail};
use openledger_attribution::evaluate::retrain::query_losses;
use std::{path::PathBuf, time::Instant};
use tiny_job::{Job, JobOptions};

fn main() -> Result<()> {
    let (mut options, mut only, mut json) = (JobOptions::default(), String::new(), None::<PathBuf>);
    for argument in std::env::args().skip(1) {
        let (key, value) = argument.split_once('=').with_context(|| format!("`{argument}` is not key=value"))?;
        match key {
            "only" => value.clone_into(&mut only),
            "json" => json = Some(value.into()),
            _ if options.set(key, value)? => {}
            _ => bail!("`{argument}` is not known"),
        }
    }
    let job = Job::train(&options)?;
    let [before, after] = [None, Some(&job.adapter)]
        .map(|adapter| query_losses(&job.base, adapter, &job.queries).map(|l| l.iter().sum::<f64>() / l.len() as f64));
    println!("queries' mean loss {:.3} → {:.3}", before?, after?);

    let regimes = job.regimes(&options)?;
    println!("{:<44} {:>24} {:>24} {:>9} {:>9}", "method", regimes[0].name, regimes[1].name, "ready", "query");
    let mut table = Vec::new();
    for (name, build) in methods::all() {
        if !only.split(',').any(|part| name.contains(part)) {
            continue;
        }
        let start = Instant::now();
        let method = build(&job).with_context(|| name.clone())?;
        let ready = start.elapsed();
        let start = Instant::now();
        let scores = job.queries.iter().map(|q| Ok(method.score(q)?.values)).collect::<Result<Vec<Vec<f32>>>>()?;
        let asked = start.elapsed() / job.queries.len() as u32;
        let mut row = serde_json::json!({
            "name": name, "method": method.method(), "settings": method.settings(),
            "ready_seconds": ready.as_secs_f64(), "query_seconds": asked.as_secs_f64(),
        });
        let mut cells = Vec::new();
        for regime in &regimes {
            let found = regime.lds(&scores, options.seed)?;
            cells.push(format!("{:.3} [{:.2}, {:.2}]", found.mean, found.low, found.high));
            row[&regime.name] = serde_json::to_value(&found)?;
        }
        println!("{name:<44} {:>24} {:>24} {ready:>9.1?} {asked:>9.1?}", cells[0], cells[1]);
        table.push(row);
    }
    if let Some(path) = &json {
        std::fs::write(path, serde_json::to_vec_pretty(&table)?)?;
    }
    Ok(())
}
