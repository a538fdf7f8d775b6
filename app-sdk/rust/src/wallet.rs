//! Reads and makes key files.

use crate::error::SdkError;
use openledger_interface::Program;
use openledger_protocol::hash::sha256;
use solana_keypair::{Keypair, write_keypair};
use std::{fs::OpenOptions, path::Path};

/// Reads a key file in the Solana tools' format: a JSON array of 64 numbers.
pub fn read_keypair(path: impl AsRef<Path>) -> Result<Keypair, SdkError> {
    let path = path.as_ref();
    if !path.exists() {
        return Err(SdkError::Input(format!(
            "there is no key file {}: make one with `openledger wallet new`, or name another with --keypair",
            path.display()
        )));
    }
    solana_keypair::read_keypair_file(path)
        .map_err(|e| SdkError::Input(format!("{} is not a key file (a JSON array of 64 numbers): {e}", path.display())))
}

/// Makes a new key file that only its owner can read. It refuses to overwrite a file, because that would lose a key for
/// ever.
pub fn create_keypair(path: impl AsRef<Path>) -> Result<Keypair, SdkError> {
    let path = path.as_ref();
    let fail = |source| SdkError::File { path: path.to_owned(), source };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(fail)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(fail)?;
    let keypair = Keypair::new();
    write_keypair(&keypair, &mut file).map_err(|e| fail(std::io::Error::other(e.to_string())))?;
    file.sync_all().map_err(fail)?;
    Ok(keypair)
}

/// Returns the key of a program's address on a *local* node. The key's seed is public, so it must never be used on any
/// other cluster. There, programs are deployed from keys that are kept offline.
pub fn local_program_keypair(program: Program) -> Keypair {
    let seed = sha256(&[b"openledger local program key: ", program.name().as_bytes()]);
    Keypair::new_from_array(seed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use solana_signer::Signer;

    #[test]
    fn local_program_keys_are_those_of_the_declared_ids() {
        for program in Program::ALL {
            assert_eq!(local_program_keypair(program).pubkey(), program.id(), "{program}");
        }
    }

    #[test]
    fn a_new_key_is_read_back_and_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/id.json");
        let key = create_keypair(&path).unwrap();
        assert_eq!(read_keypair(&path).unwrap().pubkey(), key.pubkey());
        assert!(create_keypair(&path).is_err());
        assert_eq!(read_keypair(&path).unwrap().pubkey(), key.pubkey());
        std::fs::write(&path, "[1,2]").unwrap();
        assert!(matches!(read_keypair(&path), Err(SdkError::Input(m)) if m.contains("64 numbers")));
    }
}
