//! Compares the indexer's API with its OpenAPI document, by requests that schemathesis makes up from the document.

use std::{fs, process::Command};

use anyhow::{Context, Result};

use crate::{
    cargo::cargo,
    checksum, paths,
    process::{run, run_quietly},
    progress::say,
};

/// The test that starts the API over a small ledger, and lets schemathesis ask it.
const TEST: &str = "schemathesis_finds_nothing_to_complain_of";

/// Asks the API whatever its document allows and much that it does not, with schemathesis in a virtual environment of our
/// own in the cache. `examples` is how many requests are made up for each operation.
pub fn check(examples: u32) -> Result<()> {
    let scripts = paths::root().join("xtask/api");
    let script = scripts.join("install.sh");
    let (home, wanted) = (paths::cache()?.join("schemathesis"), checksum::sha256(&script)?);
    let stamp = home.join("installed");
    if !fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        let mut install = Command::new("bash");
        install.arg(&script).arg(&home);
        run_quietly(install, "installing schemathesis", "schemathesis")
            .context("it comes as a Python package: check that `python3 -m venv` works (Debian: python3-venv)")?;
        fs::write(&stamp, wanted)?;
    }
    say("asking the API what its document allows, and what it does not");
    let mut test = cargo()?;
    test.args(["nextest", "run", "--workspace", "--test", "schemathesis", "--run-ignored", "only"]);
    test.args(["--no-capture", TEST]);
    test.env("OPENLEDGER_SCHEMATHESIS", home.join("bin/schemathesis"));
    test.env("OPENLEDGER_SCHEMATHESIS_EXAMPLES", examples.to_string());
    test.env("SCHEMATHESIS_HOOKS", scripts.join("hooks.py"));
    run(test, "the comparison of the API with its document")
}
