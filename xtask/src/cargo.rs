//! Calls of cargo.

use std::{env, process::Command};

use anyhow::Result;

use crate::paths;

/// Prefixes of variables that `cargo run` sets for xtask and that would reach the build scripts of our builds.
const OURS: [&str; 4] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_PRIMARY_"];

/// The command `cargo` in the repository's root, with our target folder.
///
/// Always build with `--workspace`, because `-p a -p b` unifies features in another way and compiles dependencies
/// again.
pub fn cargo() -> Result<Command> {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(paths::root()).env("CARGO_TARGET_DIR", paths::target()?);
    forget_ourselves(&mut command);
    Ok(command)
}

/// Removes the variables that describe xtask itself from a command's environment.
pub fn forget_ourselves(command: &mut Command) {
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(|name| OURS.iter().any(|prefix| name.starts_with(prefix))) {
            command.env_remove(name);
        }
    }
}

/// Whether a cargo subcommand is installed.
pub fn has(subcommand: &str) -> bool {
    let mut command = match cargo() {
        Ok(command) => command,
        Err(_) => return false,
    };
    let probe = command.args([subcommand, "--version"]).output();
    probe.is_ok_and(|output| output.status.success())
}
