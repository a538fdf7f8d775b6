//! Measures the cost of attribution on the tiny model. It measures either an index of projected gradients and queries
//! to it, or the settlement of an epoch by the exact walk. A process makes one measurement, so that its peak memory is
//! that of the measurement.
//!
//! ```text
//! RAYON_NUM_THREADS=2 CANDLE_NUM_THREADS=1 cargo run -p openledger-laboratory --example attribution_speed -- \
//!     what=index|settlement|walks [examples=400] [answers=16] [kind=random|adapter] [k=16] [batch=16] [rounds=1] [json=FILE]
//! ```
//! The base model is not pretrained, because speed does not depend on what it knows. `index` computes and stores the
//! projected gradients of all examples, and scores each of the answers; with `rounds=1` once for every line on the
//! standard input. `settlement` trains with a log, and goes back
//! through it once for the sum of all answers. `walks` goes back with each of the answers, all together.

#[path = "support/clock.rs"]
mod clock;
#[allow(dead_code)] // other examples use the rest
#[path = "support/job.rs"]
mod job;
#[allow(dead_code)] // other examples use the rest
#[path = "support/tiny_job.rs"]
mod tiny_job;

use anyhow::{Context, Result, bail};
use clock::Clock;
use openledger_attribution::{
    Attributor, Logra, LograSettings, Magic, MagicSettings, Preconditioner, ProjectionKind, ProjectionSettings, Query,
    Walks, build_index, gradient::GradientSource, magic::TrainedRun,
};
use serde_json::{Value, json};
use std::{
    fs,
    ops::ControlFlow,
    path::PathBuf,
    time::{Duration, Instant},
};
use tiny_job::JobOptions;

fn main() -> Result<()> {
    let (mut what, mut output, mut rounds) = (String::new(), None::<PathBuf>, false);
    let (mut examples, mut answers, mut kind, mut k, mut batch) = (400, 16, ProjectionKind::Random, 16, 16);
    for argument in std::env::args().skip(1) {
        let (key, value) = argument.split_once('=').with_context(|| format!("`{argument}` is not key=value"))?;
        match (key, value) {
            ("what", _) => value.clone_into(&mut what),
            ("examples", _) => examples = value.parse()?,
            ("answers", _) => answers = value.parse()?,
            ("kind", "random") => kind = ProjectionKind::Random,
            ("kind", "adapter") => kind = ProjectionKind::Adapter,
            ("k", _) => k = value.parse()?,
            ("batch", _) => batch = value.parse()?,
            ("rounds", _) => rounds = value == "1",
            ("json", _) => output = Some(value.into()),
            _ => bail!("`{argument}` is not known"),
        }
    }
    let options = JobOptions { examples, queries: answers, pretrain_epochs: 0, ..Default::default() };
    let measured = match what.as_str() {
        "index" => {
            index(&options, ProjectionSettings { kind, k_in: k, k_out: k, batch, ..Default::default() }, rounds)?
        }
        "settlement" => settlement(&options, false)?,
        "walks" => settlement(&options, true)?,
        _ => bail!("`what` is index, settlement or walks"),
    };
    if !rounds {
        println!("{measured}");
    }
    if let Some(path) = output {
        fs::write(path, measured.to_string())?;
    }
    Ok(())
}

/// The most memory that the process has held so far, in bytes. 0 if the system does not say.
fn peak_rss() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).map_or(0, |kib| kib << 10)
}

/// Resets the peak, if the system allows it.
fn reset_peak() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}

fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}

/// Builds and asks once, or with `rounds` once for every line on the standard input. Each line is answered with what
/// that round took, so that several processes can take turns without being started again.
fn index(options: &JobOptions, projection: ProjectionSettings, rounds: bool) -> Result<Value> {
    let (job, queries) = tiny_job::train(options)?;
    let source = || GradientSource::new(job.base.clone(), job.adapter.clone(), &projection);
    let settings =
        LograSettings { projection: projection.clone(), preconditioner: Preconditioner::None, unit_norm: false };
    let mut bytes_per_example = 0;
    let mut round = || -> Result<Value> {
        let folder = tempfile::tempdir()?;
        let start = Clock::start();
        let index =
            build_index(&folder.path().join("index"), &source()?, &job.examples, |_, _| ControlFlow::Continue(()))?;
        let [ready, ready_cpu] = start.seconds();
        let logra = Logra::new(source()?, index, settings.clone())?;
        let start = Instant::now();
        for query in &queries {
            logra.score(query)?;
        }
        bytes_per_example = logra.index().header().row_bytes();
        let query = seconds(start.elapsed() / queries.len() as u32);
        Ok(json!({ "ready": ready, "ready_cpu": ready_cpu, "query": query }))
    };
    reset_peak();
    let loaded = peak_rss();
    let mut found = Value::Null;
    if rounds {
        for line in std::io::stdin().lines() {
            line?;
            found = round()?;
            println!("{found}");
        }
    } else {
        found = round()?;
    }
    Ok(json!({
        "seconds": found, "bytes_per_example": bytes_per_example,
        "loaded_rss_bytes": loaded, "peak_rss_bytes": peak_rss(),
    }))
}

/// Walks for the sum of the answers, or for `each` of them.
fn settlement(options: &JobOptions, each: bool) -> Result<Value> {
    let (job, queries) = tiny_job::train(options)?;
    let epoch = Query::new(queries.iter().flat_map(|q| q.items().to_vec()).collect())?;
    reset_peak();
    let (loaded, start) = (peak_rss(), Instant::now());
    let (run, cache) = TrainedRun::train(job.base, job.config, job.examples, tempfile::tempdir()?)?;
    let trained = start.elapsed();
    let trained_peak = peak_rss();
    reset_peak();
    let (steps, settings, start) = (run.total_steps(), MagicSettings::default(), Instant::now());
    if each {
        let walks = Walks::new(run, &queries, settings)?.with_cache(cache);
        walks.run_to_end(&mut |_| ControlFlow::Continue(()))?;
    } else {
        Magic::new(run, settings)?.with_cache(cache).score(&epoch)?;
    }
    Ok(json!({
        "seconds": { "ready": seconds(trained), "query": seconds(start.elapsed()) },
        "steps": steps,
        "loaded_rss_bytes": loaded, "trained_rss_bytes": trained_peak, "peak_rss_bytes": peak_rss(),
    }))
}
