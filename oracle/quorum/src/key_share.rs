//! A member's share of a committee's key. Key generation makes it, and signing uses it.

use std::fmt;

use frost_ed25519::keys;
use openledger_protocol::Hash32;
use zeroize::Zeroizing;

use crate::{
    error::{Error, Result},
    membership::Committee,
    participant::Participant,
    seal::SealingKey,
    store::KeyShareRow,
};

/// A member's share of a committee's key.
///
/// # Security
///
/// Whoever has t shares of a committee can sign anything in its name. A share must not leave the operator: do not send,
/// log or back it up in the clear. It is stored only sealed with the operator's `SealingKey`.
#[derive(Clone)]
pub struct KeyShare {
    /// Committee epoch.
    pub epoch: u64,
    /// [`Committee::id`].
    pub committee: Hash32,
    /// The committee's Ed25519 public key.
    pub group_key: Hash32,
    /// The secret share. Wiped from memory when dropped.
    pub key_package: keys::KeyPackage,
    /// The public shares of all members.
    pub public_key_package: keys::PublicKeyPackage,
}

impl fmt::Debug for KeyShare {
    /// Prints everything but the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let group_key = hex::encode(self.group_key);
        f.debug_struct("KeyShare").field("epoch", &self.epoch).field("group_key", &group_key).finish_non_exhaustive()
    }
}

impl KeyShare {
    /// This operator's share of the key of `committee`. `None` before key generation is done.
    pub async fn stored(participant: &Participant, committee: &Committee) -> Result<Option<Self>> {
        let row = participant.store.key_share(&committee.id()).await?;
        row.map(|row| Self::from_row(&participant.sealing_key, row)).transpose()
    }

    /// Like [`KeyShare::stored`], for protocols that cannot begin without the share. Fails if there is none.
    pub(crate) async fn needed(participant: &Participant, committee: &Committee) -> Result<Self> {
        Self::stored(participant, committee).await?.ok_or(Error::NoKeyShare { epoch: committee.epoch })
    }

    fn from_row(sealing_key: &SealingKey, row: KeyShareRow) -> Result<Self> {
        let plain = sealing_key.open(&row.sealed).ok_or(Error::Corrupt { what: "key share" })?;
        Ok(Self {
            epoch: row.epoch,
            committee: row.committee,
            group_key: row.group_key,
            key_package: keys::KeyPackage::deserialize(&plain)?,
            public_key_package: keys::PublicKeyPackage::deserialize(&row.public)?,
        })
    }

    /// The share in its stored form. Its secret is sealed.
    pub(crate) fn to_row(&self, sealing_key: &SealingKey) -> Result<KeyShareRow> {
        let plain = Zeroizing::new(self.key_package.serialize()?);
        Ok(KeyShareRow {
            epoch: self.epoch,
            committee: self.committee,
            group_key: self.group_key,
            sealed: sealing_key.seal(&plain),
            public: self.public_key_package.serialize()?,
        })
    }
}

/// The 32 bytes of a group key, in the form that the Ed25519 precompile takes.
pub(crate) fn key_bytes(key: &frost_ed25519::VerifyingKey) -> Result<Hash32> {
    key.serialize()?.try_into().map_err(|_| Error::Corrupt { what: "group key" })
}
