//! The messages of key generation. They carry packages and evidence.

use openledger_protocol::Hash32;
use serde::{Deserialize, Serialize};

use super::evidence::Evidence;
use crate::encoding::hex_bytes;

/// Body of `dkg-round1`, `dkg-round2` and `dkg-done`: asks for what the recipient made for the sender in an attempt.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Asked {
    /// Number of the attempt, from 0.
    pub attempt: u16,
    /// The evidence that ended each attempt before it, in order.
    pub refuted: Vec<Evidence>,
}

/// Answer to a request with [`Asked`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply<T> {
    /// What was asked for.
    Made(T),
    /// The attempt is over. This evidence ended it.
    Refuted(Box<Evidence>),
}

/// Answer to `dkg-done`: the member has computed its key share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// The public key that its share belongs to.
    #[serde(with = "hex_bytes")]
    pub group_key: Hash32,
}

/// Body of `dkg-evidence`: asks for the round-1 package that the recipient received from a third member.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EvidenceRequest {
    /// Number of the attempt.
    pub attempt: u16,
    /// Wallet of the third member.
    #[serde(with = "hex_bytes")]
    pub member: Hash32,
}
