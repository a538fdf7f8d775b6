//! What `cargo xtask test` prepares for the tests of the whole system.

use anyhow::{Context, Result};
use std::path::PathBuf;

/// A folder that `cargo xtask test` prepares and names in `variable`. Without the variable it is the default place
/// within the cache.
pub fn prepared(variable: &str, within_cache: &str) -> Result<PathBuf> {
    if let Some(path) = std::env::var_os(variable) {
        return Ok(path.into());
    }
    let home = || std::env::var_os("HOME").map(|h| PathBuf::from(h).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home).context("HOME is not set")?;
    Ok(cache.join("openledger").join(within_cache))
}
