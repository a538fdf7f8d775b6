//! Checking what this machine lacks and installing it.

use anyhow::{Result, bail};

use crate::{
    disk, packages, paths, progress,
    sbf::{self, Toolchain},
};

/// Installs what is missing and returns the toolchain for on-chain programs. Takes a fraction of a second where
/// everything is there.
pub fn run() -> Result<Toolchain> {
    disk::check(&paths::cache()?, &paths::target()?)?;
    packages::install()?;
    sbf::install()
}

/// Says what there is and what is missing; fails if anything is.
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
