//! What a wallet signs so that an artifact service stores something in its name, or gives it what is not public.
//!
//! The signed bytes are text, so that a wallet can show them. A permit is for one act, one service, one artifact and one
//! content, and for some minutes. It is worth nothing for anything else, and nothing to another wallet. Whoever repeats
//! one to store stores the same bytes under the same name again.

use super::key::{Key, KeyError};
use crate::text::{hash_hex, key_b58, signature_hex};
use openledger_protocol::{Hash32, hash::ZERO};
use reqwest::Url;
use serde::{Deserialize, Serialize};
use solana_pubkey::Pubkey;
use solana_signature::Signature;
use solana_signer::{Signer, SignerError};
use std::time::Duration;

/// First line of the signed text. It ensures that a signature over anything else never passes for a permit.
const DOMAIN: &str = "openledger:artifact:v1";

/// Longest header with a permit.
const MOST_HEADER: usize = 2048;

/// What a permit is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Act {
    /// To store an artifact.
    Store,
    /// To read an artifact that is not public.
    Read,
}

impl Act {
    /// Its word in the signed text.
    fn word(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Read => "read",
        }
    }
}

/// A wallet's word to an artifact service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Permit {
    /// What it is for.
    pub act: Act,
    /// The service: scheme, host and port, as in [`Permit::service_name`].
    pub service: String,
    /// The wallet that signs. What it stores counts against its quota.
    #[serde(with = "key_b58")]
    pub wallet: Pubkey,
    /// Name of the artifact, as [`Key`] writes it.
    pub key: String,
    /// Length of the content in bytes. Zero to read.
    pub bytes: u64,
    /// SHA-256 of the content. Zeros to read.
    #[serde(with = "hash_hex")]
    pub hash: Hash32,
    /// When the permit ends, in seconds since 1970.
    pub expires: u64,
    /// The wallet's signature, in hex.
    #[serde(with = "signature_hex")]
    pub signature: [u8; 64],
}

/// Why a permit is not valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PermitError {
    /// It is for another act.
    #[error("the permit is to {}, not to {}", .0.word(), .1.word())]
    Act(Act, Act),
    /// It is for another service.
    #[error("the permit is for {permit}, and this service is {service}: use that address for the store")]
    Service {
        /// The service that the permit names.
        permit: String,
        /// The service that was asked.
        service: String,
    },
    /// It has expired, or ends too late.
    #[error(
        "the permit ends at {expires}, and it is {now} (seconds since 1970): it must end within {most} s from now. \
             Are the clocks right?"
    )]
    Time {
        /// When it ends.
        expires: u64,
        /// What time it is.
        now: u64,
        /// How far ahead it may end.
        most: u64,
    },
    /// It names no artifact.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The name says another hash than the permit.
    #[error("the permit is for content with hash {permit}, and the name says {name}")]
    Hash {
        /// The hash in the permit.
        permit: String,
        /// The hash in the name.
        name: String,
    },
    /// The wallet did not sign it.
    #[error("the permit is not signed by {0}, or it was changed")]
    Signature(Pubkey),
}

impl Permit {
    /// Name of the HTTP header that carries a permit, as JSON.
    pub const HEADER: &str = "openledger-permit";
    /// The longest time for which a permit may be made. It is short, because a permit can be repeated while it lasts.
    pub const LONGEST: Duration = Duration::from_secs(900);

    /// Reads a permit from the header of a request. The error says what is wrong with it.
    pub fn from_header(text: &str) -> Result<Self, String> {
        if text.len() > MOST_HEADER {
            return Err(format!("the header {} has more than {MOST_HEADER} bytes", Self::HEADER));
        }
        serde_json::from_str(text).map_err(|e| format!("{} is not a permit: {e}", Self::HEADER))
    }

    /// The name of the service at `url`: its scheme, host and port.
    pub fn service_name(url: &Url) -> String {
        url.origin().ascii_serialization()
    }

    /// Signs a permit to store `bytes` bytes with this hash under `key` at `service` until `expires`.
    pub fn to_store(
        signer: &dyn Signer,
        service: String,
        key: &Key,
        bytes: u64,
        hash: Hash32,
        expires: u64,
    ) -> Result<Self, SignerError> {
        Self::sign(signer, Act::Store, service, key, (bytes, hash), expires)
    }

    /// Signs a permit to read `key` at `service` until `expires`.
    pub fn to_read(signer: &dyn Signer, service: String, key: &Key, expires: u64) -> Result<Self, SignerError> {
        Self::sign(signer, Act::Read, service, key, (0, ZERO), expires)
    }

    fn sign(
        signer: &dyn Signer,
        act: Act,
        service: String,
        key: &Key,
        (bytes, hash): (u64, Hash32),
        expires: u64,
    ) -> Result<Self, SignerError> {
        let wallet = signer.try_pubkey()?;
        let mut permit = Self { act, service, wallet, key: key.to_string(), bytes, hash, expires, signature: [0; 64] };
        permit.signature = signer.try_sign_message(&permit.signed_bytes())?.into();
        Ok(permit)
    }

    /// Checks that the permit is for `act` at `service` at the time `now` (in seconds since 1970), and signed by its
    /// wallet. Returns the artifact that it names.
    pub fn check(&self, act: Act, service: &str, now: u64) -> Result<Key, PermitError> {
        if self.act != act {
            return Err(PermitError::Act(self.act, act));
        }
        if self.service != service {
            return Err(PermitError::Service { permit: self.service.clone(), service: service.into() });
        }
        let most = Self::LONGEST.as_secs();
        if self.expires <= now || self.expires > now.saturating_add(most) {
            return Err(PermitError::Time { expires: self.expires, now, most });
        }
        let key: Key = self.key.parse()?;
        if let (Act::Store, Some(name)) = (act, key.hash().filter(|name| *name != self.hash)) {
            return Err(PermitError::Hash { permit: hex::encode(self.hash), name: hex::encode(name) });
        }
        if !Signature::from(self.signature).verify(self.wallet.as_ref(), &self.signed_bytes()) {
            return Err(PermitError::Signature(self.wallet));
        }
        Ok(key)
    }

    /// The text that is signed. No field can hold a line break: a name with one is no origin and no key.
    fn signed_bytes(&self) -> Vec<u8> {
        let Self { act, service, wallet, key, bytes, hash, expires, .. } = self;
        let hash = hex::encode(hash);
        let lines = [
            DOMAIN.to_owned(),
            format!("service: {service}"),
            format!("wallet: {wallet}"),
            format!("{}: {key}", act.word()),
            format!("bytes: {bytes}"),
            format!("sha256: {hash}"),
            format!("until: {expires}"),
        ];
        lines.join("\n").into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use solana_keypair::Keypair;

    const SERVICE: &str = "http://127.0.0.1:8911";

    fn permit(wallet: &Keypair) -> Permit {
        Permit::to_store(wallet, SERVICE.into(), &Key::Blob([1; 32]), 5, [1; 32], 1_000).unwrap()
    }

    #[test]
    fn a_permit_holds_after_json_until_it_ends_and_at_its_service_alone() {
        let permit = permit(&Keypair::new());
        let again: Permit = serde_json::from_str(&serde_json::to_string(&permit).unwrap()).unwrap();
        assert_eq!(again.check(Act::Store, SERVICE, 999), Ok(Key::Blob([1; 32])));
        assert!(matches!(again.check(Act::Store, SERVICE, 1_000), Err(PermitError::Time { .. })));
        assert!(matches!(again.check(Act::Store, SERVICE, 99), Err(PermitError::Time { .. })), "it ends too late");
        assert!(matches!(again.check(Act::Store, "https://elsewhere", 999), Err(PermitError::Service { .. })));
    }

    #[test]
    fn no_field_of_a_permit_can_be_changed_and_no_other_wallet_can_use_it() {
        let (permit, other) = (permit(&Keypair::new()), Keypair::new());
        let of = |change: &dyn Fn(&mut Permit)| {
            let mut changed = permit.clone();
            change(&mut changed);
            changed.check(Act::Store, SERVICE, 999)
        };
        let unsigned = Err(PermitError::Signature(permit.wallet));
        assert_eq!(of(&|p| p.bytes += 1), unsigned);
        assert!(matches!(of(&|p| p.act = Act::Read), Err(PermitError::Act(Act::Read, Act::Store))));
        assert!(permit.check(Act::Read, SERVICE, 999).is_err(), "what is to store does not read");
        assert_eq!(of(&|p| p.expires += 1), unsigned);
        assert_eq!(of(&|p| p.wallet = other.pubkey()), Err(PermitError::Signature(other.pubkey())));
        assert!(matches!(of(&|p| p.hash = [2; 32]), Err(PermitError::Hash { .. })));
        assert_eq!(of(&|p| (p.hash, p.key) = ([2; 32], Key::Blob([2; 32]).to_string())), unsigned);
        assert!(matches!(of(&|p| p.key.push('\n')), Err(PermitError::Key(_))));
    }
}
