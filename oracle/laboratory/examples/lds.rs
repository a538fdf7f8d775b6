//! Measures the linear datamodeling score of every method on a tiny Llama that learns ten text transformations.
//!
//! ```text
//! RAYON_NUM_THREADS=1 CANDLE_NUM_THREADS=1 cargo run -p openledger-laboratory --example lds -- [key=value …]
//! ```
//! Every seed has training examples, subsets and queries of its own. `others=3` also measures the same subsets over three
//! other training seeds. It pretrains a base model on neutral text and trains an adapter on 400 examples. It trains the adapter again without
//! random subsets (1.5 % and half of the examples). Then it ranks each method's predictions against the real changes of
//! the queries' losses. `only=logra,random` keeps the methods whose names contain one of these, and `only=none` keeps
//! none. `folder=DIR` writes the job as a task folder that other libraries read (`peers/`), and every method's scores
//! into its `scores/`. Retrainings that the folder has from the same arguments are not made again. The example `judge`
//! judges them together.

#[path = "support/job.rs"]
mod job;
#[path = "support/methods.rs"]
mod methods;
#[allow(dead_code)] // other examples use the rest
#[path = "support/scores.rs"]
mod scores;
#[path = "support/tiny_job.rs"]
mod tiny_job;

use anyhow::{Context, Result, bail};
use openledger_laboratory::evaluate::{export, retrain::query_losses};
use openledger_lm::Adapter;
use std::{path::PathBuf, time::Instant};
use tiny_job::JobOptions;

fn main() -> Result<()> {
    let (mut options, mut only, mut folder) = (JobOptions::default(), String::new(), None::<PathBuf>);
    for argument in std::env::args().skip(1) {
        let (key, value) = argument.split_once('=').with_context(|| format!("`{argument}` is not key=value"))?;
        match key {
            "only" => value.clone_into(&mut only),
            "folder" => folder = Some(value.into()),
            _ if options.set(key, value)? => {}
            _ => bail!("`{argument}` is not known"),
        }
    }
    let (job, queries) = tiny_job::train(&options)?;
    let [before, after] = [None, Some(&job.adapter)]
        .map(|adapter| query_losses(&job.base, adapter, &queries).map(|l| l.iter().sum::<f64>() / l.len() as f64));
    println!("queries' mean loss {:.3} → {:.3}", before?, after?);

    let kept = match folder.as_ref().filter(|f| f.join("actual.json").exists()) {
        Some(folder) => scores::regimes(folder)?,
        None => Vec::new(),
    };
    let regimes = tiny_job::regimes(&job, &queries, &options, &kept)?;
    if let Some(folder) = &folder {
        let task = export::Task {
            base: &job.base,
            tokenizer: &job.tokenizer,
            config: &job.config,
            examples: &job.examples,
            initial: &Adapter::init(&job.base, &job.config.lora, job.config.seed)?,
            states: &job.states,
            adapter: &job.adapter,
            queries: &queries,
            regimes: &regimes,
        };
        export::write(folder, &task)?;
        std::fs::create_dir_all(folder.join("scores"))?;
    }
    let names: Vec<String> = regimes.iter().map(|r| format!("{:>24}", r.name)).collect();
    println!("{:<44} {} {:>9} {:>9}", "method", names.join(" "), "ready", "query");
    for (name, build) in methods::chosen(&only) {
        let start = Instant::now();
        let method = build(&job).with_context(|| name.clone())?;
        let ready = start.elapsed();
        let start = Instant::now();
        let found = queries.iter().map(|q| Ok(method.score(q)?.values)).collect::<Result<Vec<Vec<f32>>>>()?;
        let asked = start.elapsed() / queries.len() as u32;
        let mut cells = Vec::new();
        for regime in &regimes {
            let judged = regime.lds(&found, options.seed)?;
            cells.push(format!("{:>24}", format!("{:.3} [{:.2}, {:.2}]", judged.mean, judged.low, judged.high)));
        }
        println!("{name:<44} {} {ready:>9.1?} {asked:>9.1?}", cells.join(" "));
        if let Some(folder) = &folder {
            let file = serde_json::json!({
                "name": name, "method": method.method(), "version": method.version().to_string(),
                "settings": method.settings(), "scores": found,
                "seconds": { "ready": ready.as_secs_f64(), "query": asked.as_secs_f64() },
            });
            std::fs::write(
                folder.join("scores").join(format!("{}.json", name.replace([' ', ','], "-"))),
                file.to_string(),
            )?;
        }
    }
    Ok(())
}
