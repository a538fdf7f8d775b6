//! Reads finished files through memory maps.

use crate::error::{AttributionError, Result};
use memmap2::Mmap;
use sha2::{Digest as _, Sha256};
use std::{fs::File, path::Path};

/// Maps a finished file.
pub(crate) fn map(path: &Path) -> Result<Mmap> {
    let file = File::open(path).map_err(AttributionError::io("open", path))?;
    // SAFETY: a finished file is never written to again, because it appears by renaming. If someone truncates it all
    // the same, this process ends with SIGBUS. Every memory map has this price.
    unsafe { Mmap::map(&file) }.map_err(AttributionError::io("map", path))
}

/// Fails if a file does not have the size that its header asks for. `None` stands for a size that no file has.
pub(crate) fn check_size(map: &[u8], path: &Path, expected: Option<u64>) -> Result<()> {
    let (found, expected) = (map.len() as u64, expected.unwrap_or(u64::MAX));
    if found != expected {
        return Err(AttributionError::Size { path: path.into(), expected, found });
    }
    Ok(())
}

/// Fails if a file's content has another SHA-256 than its header says.
pub(crate) fn check_hash(content: Sha256, path: &Path, expected: &str) -> Result<()> {
    let found = hex::encode(content.finalize());
    if found != expected {
        return Err(AttributionError::Damaged { path: path.into(), expected: expected.to_owned(), found });
    }
    Ok(())
}
