//! Files that are named by the hash of their content.

use anyhow::{Context, Result};
use openledger_lm::write_whole;
use std::path::Path;

/// Writes `bytes` to `path` unless the file exists. The name is the content's hash, so an existing file has the right
/// content.
pub fn write_if_absent(path: &Path, bytes: &[u8]) -> Result<()> {
    if path.exists() {
        return Ok(());
    }
    let folder = path.parent().context("a file has a folder")?;
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    write_whole(path, bytes).with_context(|| format!("cannot write {}; is the disk full?", path.display()))
}
