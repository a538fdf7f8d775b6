//! Text forms of hashes (hex), keys (Base58) and signatures (hex), and their serde modules.

use openledger_protocol::Hash32;
use serde::{Deserialize, Deserializer, Serializer, de::Error};
use solana_pubkey::Pubkey;

/// A text that does not parse as what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {expected}: {reason}")]
pub struct TextError {
    text: String,
    expected: &'static str,
    reason: String,
}

impl From<TextError> for String {
    fn from(error: TextError) -> Self {
        error.to_string()
    }
}

/// Parses 32 bytes from exactly 64 hex digits.
pub fn parse_hash(text: &str) -> Result<Hash32, TextError> {
    parse_hex(text, "a hash of 64 hex digits")
}

/// Parses an Ed25519 signature from exactly 128 hex digits.
pub fn parse_signature(text: &str) -> Result<[u8; 64], TextError> {
    parse_hex(text, "a signature of 128 hex digits")
}

fn parse_hex<const N: usize>(text: &str, expected: &'static str) -> Result<[u8; N], TextError> {
    let mut out = [0; N];
    hex::decode_to_slice(text, &mut out).map_err(|e| TextError {
        text: text.into(),
        expected,
        reason: e.to_string(),
    })?;
    Ok(out)
}

/// Parses an address from Base58.
pub fn parse_key(text: &str) -> Result<Pubkey, TextError> {
    text.parse().map_err(|e: solana_pubkey::ParsePubkeyError| TextError {
        text: text.into(),
        expected: "a Base58 address",
        reason: e.to_string(),
    })
}

/// `#[serde(with = "hash_hex")]` for a hash.
pub mod hash_hex {
    use super::*;

    /// Writes 64 hex digits.
    pub fn serialize<S: Serializer>(hash: &Hash32, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&hex::encode(hash))
    }

    /// Reads 64 hex digits.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Hash32, D::Error> {
        parse_hash(&String::deserialize(d)?).map_err(D::Error::custom)
    }
}

/// `#[serde(with = "hash_hex_opt")]` for a hash that may be absent (null).
pub mod hash_hex_opt {
    use super::*;

    /// Writes 64 hex digits or null.
    pub fn serialize<S: Serializer>(hash: &Option<Hash32>, s: S) -> Result<S::Ok, S::Error> {
        match hash {
            Some(h) => s.serialize_str(&hex::encode(h)),
            None => s.serialize_none(),
        }
    }

    /// Reads 64 hex digits or null.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Hash32>, D::Error> {
        Option::<String>::deserialize(d)?.map(|t| parse_hash(&t).map_err(D::Error::custom)).transpose()
    }
}

/// `#[serde(with = "hashes_hex")]` for a list of hashes.
pub mod hashes_hex {
    use super::*;

    /// Writes a list of texts of 64 hex digits each.
    pub fn serialize<S: Serializer>(hashes: &[Hash32], s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(hashes.iter().map(hex::encode))
    }

    /// Reads a list of texts of 64 hex digits each.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<Hash32>, D::Error> {
        Vec::<String>::deserialize(d)?.iter().map(|t| parse_hash(t).map_err(D::Error::custom)).collect()
    }
}

/// `#[serde(with = "key_b58")]` for an address.
pub mod key_b58 {
    use super::*;

    /// Writes Base58.
    pub fn serialize<S: Serializer>(key: &Pubkey, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(key)
    }

    /// Reads Base58.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Pubkey, D::Error> {
        parse_key(&String::deserialize(d)?).map_err(D::Error::custom)
    }
}

/// Serialises an optional address as Base58, and `None` as `null`.
pub mod key_b58_opt {
    use super::*;

    /// Writes the address.
    pub fn serialize<S: Serializer>(key: &Option<Pubkey>, s: S) -> Result<S::Ok, S::Error> {
        match key {
            Some(key) => key_b58::serialize(key, s),
            None => s.serialize_none(),
        }
    }

    /// Reads the address.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Pubkey>, D::Error> {
        Option::<String>::deserialize(d)?.map(|text| parse_key(&text).map_err(D::Error::custom)).transpose()
    }
}

/// `#[serde(with = "keys_b58")]` for a list of addresses.
pub mod keys_b58 {
    use super::*;

    /// Writes a list of Base58 texts.
    pub fn serialize<S: Serializer>(keys: &[Pubkey], s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(keys.iter().map(Pubkey::to_string))
    }

    /// Reads a list of Base58 texts.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<Pubkey>, D::Error> {
        Vec::<String>::deserialize(d)?.iter().map(|t| parse_key(t).map_err(D::Error::custom)).collect()
    }
}

/// `#[serde(with = "signature_hex")]` for an Ed25519 signature.
pub mod signature_hex {
    use super::*;

    /// Writes 128 hex digits.
    pub fn serialize<S: Serializer>(signature: &[u8; 64], s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&hex::encode(signature))
    }

    /// Reads 128 hex digits.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<[u8; 64], D::Error> {
        parse_signature(&String::deserialize(d)?).map_err(D::Error::custom)
    }
}
