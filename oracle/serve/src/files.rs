//! Files that are either whole or absent.

use anyhow::{Context, Result};
use std::path::Path;

/// Writes `bytes` to `path` unless it exists. The name is the content's hash, so an existing file is the right one.
pub fn write_if_absent(path: &Path, bytes: &[u8]) -> Result<()> {
    if path.exists() {
        return Ok(());
    }
    let folder = path.parent().context("a file has a folder")?;
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let next = path.with_extension(format!("{}.tmp", std::process::id()));
    std::fs::write(&next, bytes)
        .and_then(|()| std::fs::rename(&next, path))
        .with_context(|| format!("cannot write {}; is the disk full?", path.display()))
}
