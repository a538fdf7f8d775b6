//! Canonical JSON and its hash.

use serde::Serialize;
use sha2::{Digest, Sha256};

/// `value` as JSON with sorted keys and no white space. `serde_json`'s maps are ordered by key, so going through a
/// [`serde_json::Value`] sorts.
///
/// # Panics
/// If `value` has a map with keys that are no strings, which no artifact has.
pub fn canonical_json<T: Serialize>(value: &T) -> Vec<u8> {
    let value = serde_json::to_value(value).expect("artifacts have string keys");
    serde_json::to_vec(&value).expect("a JSON value can be written")
}

/// SHA-256 of [`canonical_json`]: the artifact's name in the store.
pub fn hash_of<T: Serialize>(value: &T) -> [u8; 32] {
    Sha256::digest(canonical_json(value)).into()
}
