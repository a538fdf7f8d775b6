//! Signers: reads and makes key files, and finds the signer that a person names.

#[cfg(feature = "ledger")]
mod ledger;
mod resident;

pub use resident::Resident;

use crate::error::SdkError;
use openledger_interface::Program;
use openledger_protocol::hash::sha256;
use solana_keypair::{Keypair, write_keypair};
use solana_signer::Signer;
use std::{fs::OpenOptions, path::Path};

/// Anything that signs: a key in memory, or a device or service that keeps it.
pub type AnySigner = dyn Signer + Send + Sync;

/// The path of a key file that is named by its path or as a `file:` URL.
pub fn key_path(name: &str) -> &str {
    name.strip_prefix("file://").or_else(|| name.strip_prefix("file:")).unwrap_or(name)
}

/// Whether it names a signer of another kind than a key file, in the words of the Solana tools.
pub fn is_no_file(name: &str) -> bool {
    ["usb:", "prompt:", "stdin:"].iter().any(|scheme| name.starts_with(scheme)) && !Path::new(name).exists()
}

/// Finds a signer by its name: the path of a key file, also as a `file:` URL, or a hardware wallet such as `usb://ledger`,
/// if this crate is built with the feature `ledger`. Fails for the Solana tools' other names of signers.
pub fn find_signer(name: &str) -> Result<Box<AnySigner>, SdkError> {
    if !is_no_file(name) {
        return Ok(Box::new(read_keypair(key_path(name))?));
    }
    #[cfg(feature = "ledger")]
    if name.starts_with("usb:") {
        return Ok(Box::new(ledger::find(name)?));
    }
    let remedy = match name.starts_with("usb:") {
        true => "build it with `--features ledger`, or name a key file",
        false => "name a key file",
    };
    Err(SdkError::Input(format!(
        "{name} is a signer of another kind than a key file, which this build cannot reach: {remedy}"
    )))
}

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
    let mut file = options.open(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::AlreadyExists => SdkError::Input(format!(
            "a wallet is in {} already (`openledger wallet show`): name another file with --out",
            path.display()
        )),
        _ => fail(source),
    })?;
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

    #[test]
    fn local_program_keys_are_those_of_the_declared_ids() {
        for program in Program::ALL {
            assert_eq!(local_program_keypair(program).pubkey(), program.id(), "{program}");
        }
    }

    #[test]
    fn a_signer_is_a_key_file_by_path_or_url_and_other_kinds_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("id.json");
        let key = create_keypair(&path).unwrap().pubkey();
        let text = path.to_str().unwrap();
        for name in [text.to_owned(), format!("file:{text}"), format!("file://{text}")] {
            assert_eq!(find_signer(&name).unwrap().pubkey(), key, "{name}");
        }
        let refused = find_signer("prompt://").err().unwrap().to_string();
        assert!(refused.contains("prompt://") && refused.contains("name a key file"), "{refused}");
        // No device is connected where tests run.
        let refused = find_signer("usb://ledger?key=0").err().unwrap();
        assert!(matches!(refused, SdkError::Input(_)), "{refused:?}");
        let remedy = if cfg!(feature = "ledger") { "connect it" } else { "--features ledger" };
        let refused = refused.to_string();
        assert!(refused.contains("usb://ledger?key=0") && refused.contains(remedy), "{refused}");
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
