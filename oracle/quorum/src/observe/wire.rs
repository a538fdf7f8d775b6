//! The messages of an observation.

use openledger_protocol::Hash32;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    observation::{Commitment, Reveal, bound_subject},
    sets::{CommitmentSet, Endorsement, SealedSet},
};
use crate::encoding::hex_bytes;

/// Body of `observe-commit`: asks a member to observe something and to commit to its values. The answer is a
/// [`Commitment`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CommitRequest {
    /// The plain subject, as the observer knows it.
    #[serde(with = "hex_bytes")]
    pub subject: Hash32,
    /// Sequence number.
    pub sequence: u64,
    /// The question to the observers.
    pub context: Value,
}

/// What a round observes. All messages but the first carry it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The subject, bound to the context ([`super::bound_subject`]).
    #[serde(with = "hex_bytes")]
    pub subject: Hash32,
    /// Sequence number.
    pub sequence: u64,
}

impl About {
    /// What a round observes that asks `context` about the plain `subject`.
    pub fn new(subject: &Hash32, context: &Value, sequence: u64) -> Self {
        Self { subject: bound_subject(subject, context), sequence }
    }
}

/// Body of `observe-tell`: tells a member what the sender has. The answer is the recipient's agreement about the round
/// (an optional [`Published`]), so that a late member learns it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tell {
    /// What the round observes.
    pub about: About,
    /// What is told.
    pub told: Told,
}

/// One thing that members tell each other.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// The sender's commitment.
    Commitment(Commitment),
    /// A sealed set. The recipient takes no later commitments from now on, and reveals.
    Sealed(SealedSet),
    /// The sender's reveal.
    Reveal(Reveal),
}

/// Body of `observe-seal`: asks a member to seal a set.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SealRequest {
    /// What the round observes.
    pub about: About,
    /// The set to seal.
    pub set: CommitmentSet,
}

/// Answer to `observe-seal` and to `observe-close`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndorseAnswer {
    /// The seal: an endorsement of [`CommitmentSet::digest`]. Or the closing: one of [`super::closing_digest`].
    Endorsed(Endorsement),
    /// The member has heard these commitments or reveals, and the request leaves them out.
    Lacks(Vec<Told>),
    /// A set has been sealed already.
    Sealed(SealedSet),
    /// There is an agreement already.
    Agreed(Published),
}

/// Body of `observe-reveal`: asks a member that has committed for its values. The answer is a [`Reveal`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RevealRequest {
    /// What the round observes.
    pub about: About,
    /// The sealed set. The recipient's commitment is in it.
    pub sealed: SealedSet,
}

/// Body of `observe-close`: asks a member to agree that these reveals, and no others, are counted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CloseRequest {
    /// What the round observes.
    pub about: About,
    /// The sealed set.
    pub sealed: SealedSet,
    /// The reveals, in ascending order of wallets.
    pub reveals: Vec<Reveal>,
}

/// Body of `observe-result`: the closed set of observations that the agreement is computed from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// The subject, bound to the context.
    #[serde(with = "hex_bytes")]
    pub subject: Hash32,
    /// Sequence number.
    pub sequence: u64,
    /// The commitments that were sealed before anything was revealed.
    pub sealed: SealedSet,
    /// The reveals that count, in ascending order of wallets.
    pub reveals: Vec<Reveal>,
    /// At least t members' endorsements of [`super::closing_digest`].
    pub closings: Vec<Endorsement>,
}
