//! Encrypts secret bytes: for another member (a share in key generation), or for the operator itself (values in
//! PostgreSQL).

use crypto_box::{
    ChaChaBox, PublicKey, SecretKey,
    aead::{Aead, AeadCore, OsRng},
};
use openledger_protocol::hash::sha256;
use zeroize::Zeroizing;

const NONCE_LEN: usize = 24;

/// Encrypts `plain` from the owner of `secret` to `recipient`. Returns `nonce ‖ XChaCha20-Poly1305 box`.
///
/// # Security
///
/// The box hides `plain` and shows that one of the two key owners made it. It does not say for which purpose or session
/// it was made. Bind these by a signature, or by keys that serve one session only.
pub fn seal(recipient: &PublicKey, secret: &SecretKey, plain: &[u8]) -> Vec<u8> {
    let nonce = ChaChaBox::generate_nonce(&mut OsRng);
    let sealed = ChaChaBox::new(recipient, secret).encrypt(&nonce, plain).expect("a message of any sane length fits");
    [nonce.as_slice(), &sealed].concat()
}

/// Opens what the owner of `sender` sealed with [`seal`] for `secret`. `None` if `sealed` is something else.
///
/// The bytes are wiped from memory when dropped.
pub fn open(sender: &PublicKey, secret: &SecretKey, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
    ChaChaBox::new(sender, secret).decrypt(nonce.into(), sealed).ok().map(Zeroizing::new)
}

/// A fresh X25519 key.
pub fn fresh_key() -> SecretKey {
    SecretKey::generate(&mut OsRng)
}

/// The key that seals an operator's secrets before they are stored. A copy of the database without the identity key
/// cannot sign anything.
///
/// # Security
///
/// The key follows from the identity key, so whoever has the identity key can open every sealed secret. Do not keep the
/// identity key in the database or in its backups. Do not replace it while key shares that it has sealed are needed: no
/// other key opens them.
///
/// A sealed value that was changed does not open. A sealed value that was put back from an older state of the database
/// does open. So a seal is not enough for a value that must not be used twice: see [`crate::Participant::start`].
pub struct SealingKey {
    secret: SecretKey,
    public: PublicKey,
}

impl SealingKey {
    /// The sealing key that belongs to an identity key.
    pub fn new(identity: &ed25519_dalek::SigningKey) -> Self {
        let seed = Zeroizing::new(sha256(&[b"openledger:quorum:vault:v1", identity.as_bytes()]));
        let secret = SecretKey::from_bytes(*seed);
        Self { public: secret.public_key(), secret }
    }

    /// Seals bytes for the operator itself.
    pub fn seal(&self, plain: &[u8]) -> Vec<u8> {
        seal(&self.public, &self.secret, plain)
    }

    /// Opens what this key has sealed. `None` if another identity key's sealing key sealed it, or if it was changed.
    pub fn open(&self, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        open(&self.public, &self.secret, sealed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_opens_for_its_recipient_only_and_only_unchanged() {
        let (a, b, c) = (fresh_key(), fresh_key(), fresh_key());
        let mut sealed = seal(&b.public_key(), &a, b"share");
        assert_eq!(open(&a.public_key(), &b, &sealed).unwrap().as_slice(), b"share");
        assert!(open(&a.public_key(), &c, &sealed).is_none());
        assert!(open(&c.public_key(), &b, &sealed).is_none());
        *sealed.last_mut().unwrap() ^= 1;
        assert!(open(&a.public_key(), &b, &sealed).is_none());
        assert!(open(&a.public_key(), &b, &sealed[..10]).is_none());
    }

    #[test]
    fn a_sealing_key_opens_with_the_same_identity_only() {
        let key = |n| ed25519_dalek::SigningKey::from_bytes(&[n; 32]);
        let sealed = SealingKey::new(&key(1)).seal(b"nonces");
        assert_eq!(SealingKey::new(&key(1)).open(&sealed).unwrap().as_slice(), b"nonces");
        assert!(SealingKey::new(&key(2)).open(&sealed).is_none());
    }
}
