//! The names of artifacts.

use crate::text::{TextError, parse_hash, parse_key};
use object_store::path::Path;
use openledger_protocol::Hash32;
use solana_pubkey::Pubkey;
use std::{fmt, str::FromStr};

/// The name of one artifact. Its text is the path in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// Bytes, named by their SHA-256.
    Blob(Hash32),
    /// The signed answer to the request with this id.
    Answer(Hash32),
    /// An operator's audit of an epoch.
    Audit {
        /// The epoch.
        epoch: u64,
        /// The operator's wallet.
        operator: Pubkey,
    },
    /// A settlement's report.
    Report {
        /// The epoch.
        epoch: u64,
        /// SHA-256 of the report.
        hash: Hash32,
    },
}

impl Key {
    /// The path in the store.
    pub fn path(&self) -> Path {
        Path::from(self.to_string())
    }

    /// The hash that the content must have, if the name says it.
    pub fn hash(&self) -> Option<Hash32> {
        match self {
            Self::Blob(hash) | Self::Report { hash, .. } => Some(*hash),
            Self::Answer(_) | Self::Audit { .. } => None,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blob(hash) => write!(f, "blobs/{}", hex::encode(hash)),
            Self::Answer(request) => write!(f, "answers/{}.json", hex::encode(request)),
            Self::Audit { epoch, operator } => write!(f, "audits/{epoch}/{operator}.json"),
            Self::Report { epoch, hash } => write!(f, "settlements/{epoch}/{}.json", hex::encode(hash)),
        }
    }
}

/// A text that names no artifact.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} names no artifact: {reason}")]
pub struct KeyError {
    text: String,
    reason: String,
}

impl FromStr for Key {
    type Err = KeyError;

    /// Reads a path of the store. An artifact has one name: other writings of it are refused.
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let fail = |reason: String| KeyError { text: text.chars().take(200).collect(), reason };
        let wrong = |e: TextError| fail(e.to_string());
        let parts: Vec<&str> = text.split('/').map(|part| part.strip_suffix(".json").unwrap_or(part)).collect();
        let epoch = |text: &str| text.parse().map_err(|_| fail(format!("{text:?} is not the number of an epoch")));
        let key = match parts.as_slice() {
            ["blobs", hash] => Self::Blob(parse_hash(hash).map_err(wrong)?),
            ["answers", request] => Self::Answer(parse_hash(request).map_err(wrong)?),
            ["audits", number, operator] => {
                Self::Audit { epoch: epoch(number)?, operator: parse_key(operator).map_err(wrong)? }
            }
            ["settlements", number, hash] => {
                Self::Report { epoch: epoch(number)?, hash: parse_hash(hash).map_err(wrong)? }
            }
            _ => {
                let known =
                    "blobs/HASH, answers/REQUEST.json, audits/EPOCH/OPERATOR.json or settlements/EPOCH/HASH.json";
                return Err(fail(format!("write {known}")));
            }
        };
        let name = key.to_string();
        if name == text { Ok(key) } else { Err(fail(format!("write {name}"))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back_from_its_path() {
        let operator = Pubkey::new_from_array([7; 32]);
        for key in [
            Key::Blob([1; 32]),
            Key::Answer([2; 32]),
            Key::Audit { epoch: 3, operator },
            Key::Report { epoch: u64::MAX, hash: [4; 32] },
        ] {
            assert_eq!(key.to_string().parse(), Ok(key));
            assert_eq!(key.path().to_string(), key.to_string());
        }
    }

    #[test]
    fn an_artifact_has_one_name_and_no_path_leads_elsewhere() {
        let hash = "ab".repeat(32);
        for text in [
            String::new(),
            "blobs".into(),
            format!("blobs/{}", hash.to_uppercase()),
            format!("blobs/{hash}.json"),
            format!("blobs/../blobs/{hash}"),
            format!("blobs//{hash}"),
            format!("/blobs/{hash}"),
            format!("answers/{hash}"),
            "audits/1/../../blobs".into(),
            "blobs/%2e%2e%2fpasswd".into(),
            format!("settlements/01/{hash}.json"),
            format!("settlements/+1/{hash}.json"),
            "audits/1/nobody.json".into(),
        ] {
            assert!(text.parse::<Key>().is_err(), "{text}");
        }
    }
}
