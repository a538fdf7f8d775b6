//! What tells kinds of file apart: a signature, then the version of the format.

use crate::error::{AttributionError, Result};
use std::path::Path;

/// Bytes of the signature and of the version that follows it. The version is a little-endian u32.
pub(crate) const FORMAT_BYTES: usize = 12;

/// A kind of file.
pub(crate) struct Format {
    /// First bytes of every such file.
    pub(crate) signature: [u8; 8],
    /// The version that this build reads and writes.
    pub(crate) version: u32,
}

impl Format {
    /// The first bytes of every such file.
    pub(crate) fn to_bytes(&self) -> [u8; FORMAT_BYTES] {
        let mut bytes = [0; FORMAT_BYTES];
        bytes[..8].copy_from_slice(&self.signature);
        bytes[8..].copy_from_slice(&self.version.to_le_bytes());
        bytes
    }

    /// Fails if `bytes` are of another kind or version. They are the content of the file at `path`. `foreign` is the
    /// error for another kind.
    pub(crate) fn check(&self, bytes: &[u8], path: &Path, foreign: impl FnOnce() -> AttributionError) -> Result<()> {
        let Some(rest) = bytes.strip_prefix(&self.signature) else { return Err(foreign()) };
        let Some(found) = rest.first_chunk() else { return Err(cut_off(path)) };
        match u32::from_le_bytes(*found) {
            found if found == self.version => Ok(()),
            found => Err(AttributionError::Version { path: path.into(), found, supported: self.version }),
        }
    }
}

/// The error for a file that ends before its header does.
pub(crate) fn cut_off(path: &Path) -> AttributionError {
    AttributionError::Header { path: path.into(), reason: "the file ends inside it".into() }
}
