//! The beginning of an index and of its sketch: signature, format version, and a JSON header that describes the body.
//!
//! ```text
//! signature (8) | format version, u32 | header length, u32 | header, JSON padded with spaces | body
//! ```
//! All integers are little-endian. The body begins at a multiple of 64 bytes.

use super::format::{FORMAT_BYTES, Format, cut_off};
use crate::error::{AttributionError, Result};
use serde::{Serialize, de::DeserializeOwned};
use std::path::Path;

/// Number of bytes before the JSON header: the format and the header's length.
const PREFACE: usize = FORMAT_BYTES + size_of::<u32>();
/// The body begins at a multiple of this.
pub(crate) const ALIGN: usize = 64;
/// Longest header that is read. It allows 65,536 layers with long names.
const MAX_HEADER: usize = 16 << 20;

/// The bytes before the body.
pub(crate) fn write(format: &Format, header: &impl Serialize) -> Vec<u8> {
    // Headers hold strings, numbers and lists of them only, so serialisation cannot fail.
    let mut json = serde_json::to_vec(header).expect("plain data serialises");
    json.resize((PREFACE + json.len()).next_multiple_of(ALIGN) - PREFACE, b' ');
    let mut bytes = Vec::with_capacity(PREFACE + json.len());
    bytes.extend(format.to_bytes());
    bytes.extend((json.len() as u32).to_le_bytes());
    bytes.extend(json);
    bytes
}

/// Reads the header at the beginning of `bytes`, the content of the file at `path`. Returns the header and the position
/// of the body. `foreign` is the error for a file of another kind.
pub(crate) fn read<H: Serialize + DeserializeOwned>(
    format: &Format,
    bytes: &[u8],
    path: &Path,
    foreign: impl FnOnce() -> AttributionError,
) -> Result<(H, usize)> {
    format.check(bytes, path, foreign)?;
    let bad = |reason: String| AttributionError::Header { path: path.to_path_buf(), reason };
    let length = bytes[FORMAT_BYTES..].first_chunk().ok_or_else(|| cut_off(path))?;
    let length = u32::from_le_bytes(*length) as usize;
    if length > MAX_HEADER {
        return Err(bad(format!("its length is {length} bytes, the limit is {MAX_HEADER}")));
    }
    let json = bytes.get(PREFACE..PREFACE + length).ok_or_else(|| cut_off(path))?;
    let header: H = serde_json::from_slice(json).map_err(|e| bad(e.to_string()))?;
    if write(format, &header)[PREFACE..] != *json {
        return Err(bad("it is not in canonical form".into()));
    }
    Ok((header, PREFACE + length))
}
