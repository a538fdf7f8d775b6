//! The compiled examples that measure, and where their figures are kept.

use std::{ffi::OsStr, path::PathBuf, process::Command};

use anyhow::Result;

use super::machine;
use crate::{cargo::cargo, paths, process, progress::say};

/// Folder of a benchmark's figures.
pub fn folder(name: &str) -> Result<PathBuf> {
    Ok(paths::target()?.join("bench").join(name))
}

/// Compiles the examples that benchmarks run.
pub fn build_examples() -> Result<()> {
    say("compiling the benchmarks");
    let mut build = cargo()?;
    build.args(["build", "--workspace", "--examples"]);
    process::run(build, "compiling the benchmarks")
}

/// Compiles one of them as a release is compiled, where what it measures is mostly in packages that a development build does
/// not optimise. Returns its path.
pub fn build_released_example(name: &str) -> Result<PathBuf> {
    say("compiling the benchmark as a release");
    let mut build = cargo()?;
    build.args(["build", "--release", "--workspace", "--example", name]);
    process::run(build, "compiling the benchmark")?;
    Ok(paths::target()?.join("release/examples").join(name))
}

/// Path of a compiled example.
pub fn example_path(name: &str) -> Result<PathBuf> {
    Ok(paths::binaries()?.join("examples").join(name))
}

/// The command that runs a compiled example with its arguments on all cores.
pub fn example<S: AsRef<OsStr>>(name: &str, arguments: impl IntoIterator<Item = S>) -> Result<Command> {
    threaded(name, arguments, machine::threads())
}

/// The command that runs a compiled example with its arguments on so many threads.
pub fn threaded<S: AsRef<OsStr>>(
    name: &str,
    arguments: impl IntoIterator<Item = S>,
    threads: usize,
) -> Result<Command> {
    let mut command = Command::new(example_path(name)?);
    // candle's own pool spins when cores are shared, so rayon's pool does the work.
    command.env("RAYON_NUM_THREADS", threads.to_string()).env("CANDLE_NUM_THREADS", "1").args(arguments);
    Ok(command)
}
