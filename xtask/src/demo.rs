//! The demo: prepares everything, then becomes `openledger-demo`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use clap::Args;

use crate::{
    cargo::cargo,
    documents, model, paths,
    process::{self, become_program},
    programs,
    progress::say,
    setup,
};

/// What the demo is run with.
#[derive(Args, Default)]
pub struct Options {
    /// Stop when the loop has closed, instead of staying up
    #[arg(long)]
    once: bool,
    /// Write a summary of the run to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Use a tiny random model: the same steps, much faster, with answers that mean nothing
    #[arg(long)]
    tiny: bool,
    /// Compile the oracle a second time, for AVX-512, and have two of the five operators run that build
    #[arg(long)]
    mixed: bool,
    /// More arguments for the demo itself, after `--`
    #[arg(last = true)]
    rest: Vec<String>,
}

/// The paths that the demo is given.
struct Parts {
    programs: PathBuf,
    binaries: PathBuf,
    /// The oracle's second build. `None` for a fleet of one build.
    second_oracle: Option<PathBuf>,
    documents: PathBuf,
    /// `None` for a tiny random model.
    model: Option<PathBuf>,
}

/// The demo's command line.
fn arguments(options: &Options, parts: &Parts) -> Vec<String> {
    let text = |path: &Path| path.display().to_string();
    let mut arguments = vec![
        "--programs-dir".into(),
        text(&parts.programs),
        "--bin-dir".into(),
        text(&parts.binaries),
        "--documents".into(),
        text(&parts.documents),
    ];
    if let Some(second) = &parts.second_oracle {
        arguments.extend(["--second-oracle".into(), text(second)]);
    }
    if let Some(model) = &parts.model {
        arguments.extend(["--model".into(), text(model)]);
    }
    if options.once {
        arguments.push("--once".into());
    }
    if let Some(file) = &options.json {
        arguments.extend(["--json".into(), text(file)]);
    }
    if options.tiny {
        arguments.push("--tiny".into());
    }
    arguments.extend(options.rest.iter().cloned());
    arguments
}

/// Compiles every native binary of the workspace.
pub fn build_binaries() -> Result<()> {
    let mut build = cargo()?;
    build.args(["build", "--workspace", "--bins"]);
    say("compiling the node, the oracle, the indexer, the command line and the demo");
    process::run(build, "compiling")
}

/// The node's second build, within the folder of the binaries.
const SECOND_ORACLE: &str = "x86-v4/openledger-oracle";

/// Compiles the node a second time, with the AVX-512 kernels of its feature `x86-v4`, so that operators in one fleet
/// compute with two classes of arithmetic. `None` if this processor has no AVX-512.
///
/// Both builds share the target folder: whatever does not depend on the feature is compiled once, and cargo keeps the rest
/// of both. Only the binary has one name for both, so this one is copied aside. Call it before [`build_binaries`], which
/// puts the usual build back in its place.
pub fn build_second_oracle() -> Result<Option<PathBuf>> {
    if !has_avx512() {
        say("this processor has no AVX-512: all operators compute with one class of arithmetic");
        return Ok(None);
    }
    let mut build = cargo()?;
    build.args(["build", "--workspace", "--bin", "openledger-oracle", "--features", "openledger-oracle/x86-v4"]);
    say("compiling the oracle for another class of arithmetic (AVX-512)");
    process::run(build, "compiling the oracle's second build")?;
    let binaries = paths::binaries()?;
    let second = binaries.join(SECOND_ORACLE);
    // A process may still run the file that is there. It keeps its own when another takes the name.
    let draft = second.with_extension("partial");
    fs::create_dir_all(second.parent().context("the second build has a folder")?)
        .and_then(|()| fs::copy(binaries.join("openledger-oracle"), &draft))
        .and_then(|_| fs::rename(&draft, &second))
        .with_context(|| format!("cannot write {}", second.display()))?;
    Ok(Some(second))
}

#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    std::is_x86_feature_detected!("avx512f")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_avx512() -> bool {
    false
}

/// Prepares everything and becomes the demo.
pub fn run(options: &Options) -> Result<()> {
    let toolchain = setup::run()?;
    let model = if options.tiny { None } else { Some(model::fetch()?) };
    let documents = documents::fetch()?;
    programs::build(&toolchain, &programs::chosen(&[]))?;
    let second_oracle = if options.mixed { build_second_oracle()? } else { None };
    build_binaries()?;
    let (programs, binaries) = (paths::programs()?, paths::binaries()?);
    let parts = Parts { programs, binaries, second_oracle, documents, model };
    let mut demo = Command::new(parts.binaries.join("openledger-demo"));
    demo.args(arguments(options, &parts));
    become_program(demo)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(model: Option<&str>) -> Parts {
        let (second_oracle, model) = (Some("/s".into()), model.map(PathBuf::from));
        Parts { programs: "/p".into(), binaries: "/b".into(), second_oracle, documents: "/d".into(), model }
    }

    #[test]
    fn every_option_reaches_the_demo() {
        let (json, rest) = (Some("s.json".into()), vec!["--seed=7".into()]);
        let options = Options { once: true, json, rest, ..Options::default() };
        let expected =
            "--programs-dir /p --bin-dir /b --documents /d --second-oracle /s --model /m --once --json s.json --seed=7";
        assert_eq!(arguments(&options, &parts(Some("/m"))).join(" "), expected);
    }

    #[test]
    fn a_tiny_demo_needs_no_model() {
        let options = Options { tiny: true, ..Options::default() };
        let expected = "--programs-dir /p --bin-dir /b --documents /d --tiny";
        assert_eq!(arguments(&options, &Parts { second_oracle: None, ..parts(None) }).join(" "), expected);
    }
}
