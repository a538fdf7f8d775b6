//! How our memory-mapped files begin: magic bytes, format version, and a JSON header that says what follows.
//!
//! ```text
//! magic (8) | format version, u32 | header length, u32 | header, JSON padded with spaces | body
//! ```
//! All integers are little-endian and the body begins at a multiple of 64 bytes.

use crate::error::{AttributionError, Result};
use serde::{Serialize, de::DeserializeOwned};
use std::path::Path;

/// Bytes before the JSON header.
const PREFACE: usize = 16;
/// The body begins at a multiple of this.
pub(crate) const ALIGN: usize = 64;
/// Longest header that is read: 65,536 layers with long names.
const MAX_HEADER: usize = 16 << 20;

/// What a kind of file begins with.
pub(crate) struct Preface {
    pub(crate) magic: [u8; 8],
    pub(crate) version: u32,
}

impl Preface {
    /// Everything before the body.
    pub(crate) fn write(&self, header: &impl Serialize) -> Vec<u8> {
        // Headers hold strings, numbers and lists of them only: serialisation cannot fail.
        let mut json = serde_json::to_vec(header).expect("plain data serialises");
        json.resize((PREFACE + json.len()).next_multiple_of(ALIGN) - PREFACE, b' ');
        let mut bytes = Vec::with_capacity(PREFACE + json.len());
        bytes.extend(self.magic);
        bytes.extend(self.version.to_le_bytes());
        bytes.extend((json.len() as u32).to_le_bytes());
        bytes.extend(json);
        bytes
    }

    /// Reads the header at the beginning of `bytes`, the content of the file at `path`; gives it and where the body
    /// begins. `foreign` says that the file is of another kind.
    pub(crate) fn read<H: Serialize + DeserializeOwned>(
        &self,
        bytes: &[u8],
        path: &Path,
        foreign: impl FnOnce() -> AttributionError,
    ) -> Result<(H, usize)> {
        if !bytes.starts_with(&self.magic) {
            return Err(foreign());
        }
        let bad = |reason: String| AttributionError::Header { path: path.to_path_buf(), reason };
        let short = || bad("the file ends inside it".into());
        let word = |at: usize| bytes.get(at..at + 4).map(|b| u32::from_le_bytes(b.try_into().expect("four bytes")));
        let found = word(8).ok_or_else(short)?;
        if found != self.version {
            return Err(AttributionError::Version { path: path.to_path_buf(), found, supported: self.version });
        }
        let length = word(12).ok_or_else(short)? as usize;
        if length > MAX_HEADER {
            return Err(bad(format!("its length is {length} bytes, the limit is {MAX_HEADER}")));
        }
        let json = bytes.get(PREFACE..PREFACE + length).ok_or_else(short)?;
        let header: H = serde_json::from_slice(json).map_err(|e| bad(e.to_string()))?;
        if self.write(&header)[PREFACE..] != *json {
            return Err(bad("it is not in canonical form".into()));
        }
        Ok((header, PREFACE + length))
    }
}
