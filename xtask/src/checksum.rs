//! Checks of files by SHA-256.

use std::{fs::File, io, path::Path};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

/// SHA-256 of a file, in hexadecimal.
pub fn sha256(path: &Path) -> Result<String> {
    let mut hasher = Sha256::new();
    let mut file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    io::copy(&mut file, &mut hasher).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(hex::encode(hasher.finalize()))
}

/// SHA-256 of bytes, in hexadecimal.
pub fn sha256_of(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Fails unless the file has the hash. `way_out` ends the message and says what to do.
pub fn verify(path: &Path, expected: &str, way_out: &str) -> Result<()> {
    let found = sha256(path)?;
    if found != expected {
        bail!("{} is not the file it should be: SHA-256 {expected} expected, {found} found. {way_out}", path.display());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn the_hash_is_sha256() {
        assert_eq!(sha256_of(b"abc"), ABC);
    }

    #[test]
    fn a_wrong_file_is_named_with_both_hashes_and_what_to_do() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "abc").unwrap();
        verify(file.path(), ABC, "").unwrap();
        let error = verify(file.path(), "00ff", "Delete it.").unwrap_err().to_string();
        for part in [file.path().to_str().unwrap(), "00ff", ABC, "Delete it."] {
            assert!(error.contains(part), "{error}");
        }
    }
}
