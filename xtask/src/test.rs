//! Every check and every test.

use std::{
    process::Command,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::Result;

use crate::{
    cargo::{cargo, has},
    demo::{build_binaries, build_second_oracle},
    documents, idl, paths,
    process::{self, become_program},
    programs,
    progress::say,
    setup,
};

/// The version of the test runner to install if it is missing.
const NEXTEST: &str = "0.9.143";

/// Sets up, checks, and becomes the test runner, so that the test runner's last line is the last output.
pub fn run(quick: bool, filter: Option<&str>) -> Result<()> {
    let toolchain = setup::run()?;
    programs::build(&toolchain, &programs::chosen(&[]))?;
    if !quick {
        checks()?;
    }
    // Whole-system tests start these binaries as processes and use these documents. Some of the operators run the second
    // build.
    build_second_oracle()?;
    build_binaries()?;
    documents::fetch()?;
    if !quick {
        examples_in_documentation()?;
    }
    let mut tests = test_command(runner(), filter)?;
    tests
        .env("OPENLEDGER_PROGRAMS_DIR", paths::programs()?)
        .env("OPENLEDGER_BIN_DIR", paths::binaries()?)
        .env("OPENLEDGER_CACHE", paths::cache()?);
    say("running the tests");
    become_program(tests)
}

/// Plays random histories. It runs the same test that plays short ones.
pub fn fuzz(steps: u64, seed: Option<u64>) -> Result<()> {
    let toolchain = setup::run()?;
    programs::build(&toolchain, &programs::chosen(&[]))?;
    let seed = seed.unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs()));
    say(&format!("{steps} steps with seed {seed}"));
    let mut play = cargo()?;
    play.args(["test", "--workspace", "--test", "fuzz", "--", "--nocapture", "no_history_breaks_the_books"])
        .env("OPENLEDGER_PROGRAMS_DIR", paths::programs()?)
        .env("OPENLEDGER_FUZZ_STEPS", steps.to_string())
        .env("OPENLEDGER_FUZZ_SEED", seed.to_string());
    become_program(play)
}

/// All checks that are not tests.
fn checks() -> Result<()> {
    for (what, arguments) in [
        ("checking the formatting", vec!["fmt", "--all", "--check"]),
        ("running clippy", vec!["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]),
    ] {
        say(what);
        let mut command = cargo()?;
        command.args(arguments);
        process::run(command, what)?;
    }
    idl::check()?;
    licences()
}

fn licences() -> Result<()> {
    if !has("deny") {
        say("licences and advisories not checked: `cargo install --locked cargo-deny` brings the checker");
        return Ok(());
    }
    let mut deny = cargo()?;
    // Advisories need a download. A machine without a network still checks the rest.
    deny.args(["deny", "check", "licenses", "bans", "sources"]);
    process::run(deny, "checking licences and sources")
}

/// The examples in the documentation of the crates that have some. The test runner does not run these.
fn examples_in_documentation() -> Result<()> {
    let what = "running the examples in the documentation";
    say(what);
    let mut command = cargo()?;
    command.args(["test", "--doc", "--quiet", "--workspace"]);
    process::run(command, what)
}

/// The test runner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Runner {
    Nextest,
    Cargo,
}

/// nextest, which is installed if necessary, or cargo itself if that fails.
fn runner() -> Runner {
    if has("nextest") {
        return Runner::Nextest;
    }
    say("cargo-nextest is not installed: installing it, once");
    let installed = cargo().and_then(|mut install| {
        install.args(["install", "--locked", "--quiet", "cargo-nextest", "--version", NEXTEST]);
        process::run(install, "installing cargo-nextest")
    });
    match installed {
        Ok(()) => Runner::Nextest,
        Err(error) => {
            say(&format!("{error:#}; using `cargo test` instead"));
            Runner::Cargo
        }
    }
}

fn test_command(runner: Runner, filter: Option<&str>) -> Result<Command> {
    let mut tests = cargo()?;
    match runner {
        Runner::Nextest => tests.args(["nextest", "run", "--workspace"]),
        Runner::Cargo => tests.args(["test", "--workspace"]),
    };
    tests.args(filter);
    Ok(tests)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(runner: Runner, filter: Option<&str>) -> Vec<String> {
        let command = test_command(runner, filter).unwrap();
        command.get_args().map(|word| word.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn the_filter_is_passed_on() {
        assert_eq!(words(Runner::Nextest, Some("mmr")), ["nextest", "run", "--workspace", "mmr"]);
        assert_eq!(words(Runner::Nextest, None), ["nextest", "run", "--workspace"]);
        assert_eq!(words(Runner::Cargo, Some("mmr")), ["test", "--workspace", "mmr"]);
    }
}
