//! The messages of an observation.

use openledger_protocol::Hash32;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::observation::{Commitment, Reveal};
use crate::encoding::hex_bytes;

/// What a round observes. Every request of the round carries it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct About {
    /// Subject.
    #[serde(with = "hex_bytes")]
    pub subject: Hash32,
    /// Sequence number.
    pub sequence: u64,
}

/// Body of `observe-commit`: asks a member to score something and to commit to its scores.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CommitRequest {
    /// What the round observes.
    pub about: About,
    /// The question to the observers.
    pub context: Value,
}

/// Body of `observe-reveal`: asks a member that has committed for its scores.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RevealRequest {
    /// The set: at least t signed commitments. The recipient's commitment is one of them.
    pub about: About,
    /// The set: at least t signed commitments, the recipient's among them.
    pub commitments: Vec<Commitment>,
}

/// Body of `observe-result`: the fixed set of observations that the agreement is computed from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// Subject.
    #[serde(with = "hex_bytes")]
    pub subject: Hash32,
    /// Sequence number.
    pub sequence: u64,
    /// The commitments that were shown before anything was revealed.
    pub commitments: Vec<Commitment>,
    /// The reveals that count.
    pub reveals: Vec<Reveal>,
}
