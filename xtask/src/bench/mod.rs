//! Benchmarks: each prints a table, writes its figures as JSON, and with `--record` a page of `docs/benchmarks`.

mod machine;
mod peers;
mod plot;
mod programs;
mod quality;
mod speed;

use std::{ffi::OsStr, path::PathBuf, process::Command};

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::{cargo::cargo, paths, process, progress::say};

/// What is measured.
#[derive(Clone, Copy, ValueEnum)]
pub enum Benchmark {
    /// How well each attribution method predicts what really happens without the data
    AttributionQuality,
    /// What every instruction of the programs costs, and a million contributions and payments
    Programs,
    /// What gradients, queries and settlements cost
    AttributionSpeed,
}

/// How a benchmark is run.
#[derive(Args)]
pub struct Options {
    /// What to measure
    benchmark: Benchmark,
    /// Independent repetitions
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=20))]
    seeds: u64,
    /// Measure ours alone; nothing is installed
    #[arg(long)]
    no_peers: bool,
    /// A small version, in minutes, whose figures mean little
    #[arg(long)]
    quick: bool,
    /// Also write the page and the plots in docs/benchmarks
    #[arg(long, conflicts_with = "quick")]
    record: bool,
}

/// Runs one.
pub fn run(options: &Options) -> Result<()> {
    match options.benchmark {
        Benchmark::AttributionQuality => quality::run(options),
        Benchmark::Programs => programs::run(options),
        Benchmark::AttributionSpeed => speed::measure(options),
    }
}

/// Folder of a benchmark's figures.
fn folder(name: &str) -> Result<PathBuf> {
    Ok(paths::target()?.join("bench").join(name))
}

/// Compiles the examples that benchmarks run.
fn build_examples() -> Result<()> {
    say("compiling the benchmarks");
    let mut build = cargo()?;
    build.args(["build", "--workspace", "--examples"]);
    process::run(build, "compiling the benchmarks")
}

/// Path of a compiled example.
fn example_path(name: &str) -> Result<PathBuf> {
    Ok(paths::binaries()?.join("examples").join(name))
}

/// The command that runs a compiled example with its arguments on all cores.
fn example<S: AsRef<OsStr>>(name: &str, arguments: impl IntoIterator<Item = S>) -> Result<Command> {
    let mut command = Command::new(example_path(name)?);
    // candle's own pool spins when cores are shared, so rayon's pool does the work.
    command.env("RAYON_NUM_THREADS", machine::threads().to_string()).env("CANDLE_NUM_THREADS", "1").args(arguments);
    Ok(command)
}
