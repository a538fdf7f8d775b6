//! Writes a finished job of the tiny Llama as a task folder for the libraries in `peers/`.
//!
//! ```text
//! RAYON_NUM_THREADS=1 CANDLE_NUM_THREADS=1 cargo run -p openledger-attribution --example export_task -- FOLDER [key=value …]
//! ```
//! The job is that of the example `lds`, with the same keys; by far the longest part is training again without subsets
//! (`small=0 half=0` leaves it out).

#[path = "support/tiny_job.rs"]
mod tiny_job;

use anyhow::{Context, Result, ensure};
use openledger_attribution::evaluate::export;
use openledger_lm::Adapter;
use std::path::PathBuf;
use tiny_job::{Job, JobOptions};

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder: PathBuf = arguments.next().context("give the folder to write")?.into();
    let mut options = JobOptions::default();
    for argument in arguments {
        let (key, value) = argument.split_once('=').with_context(|| format!("`{argument}` is not key=value"))?;
        ensure!(options.set(key, value)?, "`{argument}` is not known");
    }
    let job = Job::train(&options)?;
    let task = export::Task {
        base: &job.base,
        tokenizer: &job.tokenizer,
        config: &job.config,
        examples: &job.examples,
        initial: &Adapter::init(&job.base, &job.config.lora, job.config.seed)?,
        states: &job.states,
        adapter: &job.adapter,
        queries: &job.queries,
        regimes: &job.regimes(&options)?,
    };
    export::write(&folder, &task)?;
    println!("wrote {}", folder.display());
    Ok(())
}
