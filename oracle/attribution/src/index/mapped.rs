//! Finished files through memory maps.

use crate::error::{AttributionError, Result};
use memmap2::Mmap;
use sha2::{Digest as _, Sha256};
use std::{fs::File, path::Path};

/// Maps a finished file.
pub(super) fn map(path: &Path) -> Result<Mmap> {
    let file = File::open(path).map_err(AttributionError::io("open", path))?;
    // SAFETY: a finished file is never written to again: it appears by renaming. Someone who truncates it all the same
    // ends this process with SIGBUS, which is the price of every memory map.
    unsafe { Mmap::map(&file) }.map_err(AttributionError::io("map", path))
}

/// Refuses a file of another size than its header asks for (`None`: more than any file), or whose body, from `body_at`,
/// has another SHA-256 than `body` in the header.
pub(super) fn check(map: &[u8], path: &Path, body_at: usize, expected: Option<u64>, body: &str) -> Result<()> {
    let (found, expected) = (map.len() as u64, expected.unwrap_or(u64::MAX));
    if found != expected {
        return Err(AttributionError::Size { path: path.into(), expected, found });
    }
    let found = hex::encode(Sha256::digest(&map[body_at..]));
    if found != body {
        return Err(AttributionError::Damaged { path: path.into(), expected: body.to_owned(), found });
    }
    Ok(())
}
