//! SHA-256 of bytes, files and configurations.

use crate::error::{LmError, Result};
use sha2::{Digest as _, Sha256};
use std::{io::Read, path::Path};

/// A SHA-256 digest. `hex::encode` gives its text form.
pub type Digest = [u8; 32];

/// SHA-256 of bytes.
pub fn sha256(bytes: &[u8]) -> Digest {
    Sha256::digest(bytes).into()
}

/// SHA-256 of a file, read in pieces.
pub fn sha256_file(path: &Path) -> Result<Digest> {
    let mut file = std::fs::File::open(path).map_err(LmError::io("open", path))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0u8; 1 << 20];
    loop {
        let n = file.read(&mut buffer).map_err(LmError::io("read", path))?;
        if n == 0 {
            return Ok(hasher.finalize().into());
        }
        hasher.update(&buffer[..n]);
    }
}

/// SHA-256 of a value's compact JSON. The fields are in the order of their declaration.
pub(crate) fn sha256_json<T: serde::Serialize>(value: &T) -> Digest {
    // The types that are hashed here hold numbers, strings and enums only, so serialisation cannot fail.
    sha256(&serde_json::to_vec(value).expect("plain data serialises"))
}
