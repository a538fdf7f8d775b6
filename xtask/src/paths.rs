//! Paths: the repository, and the cache folder that outlives it.

use std::{
    env,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use anyhow::{Context, Result};

/// The root of the repository for which cargo runs xtask. The binary itself may have been compiled in another checkout,
/// because all checkouts share the cache.
pub fn root() -> &'static Path {
    static XTASK: LazyLock<PathBuf> = LazyLock::new(|| {
        env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from)
    });
    XTASK.parent().expect("xtask is a folder of the repository")
}

/// `$XDG_CACHE_HOME/openledger`, by default `~/.cache/openledger`.
pub fn cache() -> Result<PathBuf> {
    cache_in(env::var_os("XDG_CACHE_HOME").map(PathBuf::from), env::var_os("HOME").map(PathBuf::from))
}

/// The XDG rule: a relative or empty XDG_CACHE_HOME counts as unset.
fn cache_in(xdg: Option<PathBuf>, home: Option<PathBuf>) -> Result<PathBuf> {
    let base = match xdg.filter(|folder| folder.is_absolute()) {
        Some(folder) => folder,
        None => home
            .context("neither HOME nor XDG_CACHE_HOME is set: set XDG_CACHE_HOME to a folder for downloads and tools")?
            .join(".cache"),
    };
    Ok(base.join("openledger"))
}

/// Cargo's target folder for native code. It is in the cache unless CARGO_TARGET_DIR is set, so that a fresh clone does
/// not compile everything again.
pub fn target() -> Result<PathBuf> {
    match env::var_os("CARGO_TARGET_DIR").filter(|folder| !folder.is_empty()) {
        Some(folder) => std::path::absolute(folder).context("CARGO_TARGET_DIR is no path"),
        None => Ok(cache()?.join("target")),
    }
}

/// Cargo's target folder for on-chain programs. It is separate, because another compiler fills it.
pub fn sbf_target() -> Result<PathBuf> {
    Ok(cache()?.join("sbf-target"))
}

/// The compiled programs, `NAME.so`.
pub fn programs() -> Result<PathBuf> {
    Ok(sbf_target()?.join("deploy"))
}

/// The native binaries.
pub fn binaries() -> Result<PathBuf> {
    Ok(target()?.join("debug"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_follows_the_xdg_rule() {
        let home = Some(PathBuf::from("/home/ada"));
        assert_eq!(cache_in(Some("/big".into()), home.clone()).unwrap(), Path::new("/big/openledger"));
        assert_eq!(cache_in(Some("relative".into()), home.clone()).unwrap(), Path::new("/home/ada/.cache/openledger"));
        assert_eq!(cache_in(None, home).unwrap(), Path::new("/home/ada/.cache/openledger"));
        assert!(cache_in(None, None).unwrap_err().to_string().contains("XDG_CACHE_HOME"));
    }

    #[test]
    fn the_root_is_the_workspace() {
        assert!(std::fs::read_to_string(root().join("Cargo.toml")).unwrap().contains("[workspace]"));
    }
}
