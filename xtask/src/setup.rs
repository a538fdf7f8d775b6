//! Finds out what this machine lacks and installs it.

use anyhow::{Result, bail};

use crate::{
    disk, packages, paths, progress,
    sbf::{self, Toolchain},
};

/// Installs what is missing and returns the toolchain for on-chain programs. It takes a fraction of a second if nothing
/// is missing.
pub fn run() -> Result<Toolchain> {
    disk::check(&paths::cache()?, &paths::target()?)?;
    packages::install()?;
    sbf::install()
}

/// Prints what is installed and what is missing. Fails if anything is missing.
pub fn check() -> Result<()> {
    let mut missing = Vec::new();
    if let Err(error) = disk::check(&paths::cache()?, &paths::target()?) {
        missing.push(error.to_string());
    }
    missing.extend(
        packages::missing().iter().map(|package| format!("{} (Debian package {})", package.what, package.debian)),
    );
    match sbf::installed()? {
        Some(toolchain) => progress::say(&format!("on-chain programs are compiled by {toolchain}")),
        None => missing.push("a toolchain for on-chain programs".into()),
    }
    if missing.is_empty() {
        progress::say("nothing is missing");
        return Ok(());
    }
    bail!("missing: {}. `cargo xtask setup` installs it", missing.join("; "))
}
