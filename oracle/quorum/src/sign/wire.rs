//! The messages of a signature, and the FROST signing package that both sides build from them.

use std::collections::BTreeMap;

use frost_ed25519::{SigningPackage, round1::SigningCommitments};
use openledger_protocol::Hash32;
use serde::{Deserialize, Serialize};

use crate::{
    encoding::hex_bytes,
    error::{Error, Result},
    membership::Committee,
};

/// Body of `sign-commit`: asks a member to check a message and to commit to nonces.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CommitRequest {
    /// `Message::to_bytes`.
    #[serde(with = "hex_bytes")]
    pub message: Vec<u8>,
    /// The payload, whose hash is `Message::payload`.
    #[serde(with = "hex_bytes")]
    pub payload: Vec<u8>,
}

/// Answer to `sign-commit`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CommitAnswer {
    /// FROST `SigningCommitments`.
    #[serde(with = "hex_bytes")]
    pub commitments: Vec<u8>,
}

/// A member's commitments in a round.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Committed {
    /// Wallet of the member.
    #[serde(with = "hex_bytes")]
    pub member: Hash32,
    /// FROST `SigningCommitments`.
    #[serde(with = "hex_bytes")]
    pub commitments: Vec<u8>,
}

/// Body of `sign-share`: asks a member for its share of the signature.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ShareRequest {
    /// The round: exactly t members. The recipient is one of them.
    pub round: Vec<Committed>,
}

/// Answer to `sign-share`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ShareAnswer {
    /// FROST `SignatureShare`.
    #[serde(with = "hex_bytes")]
    pub share: Vec<u8>,
}

/// The signing package of a round over `message`. The coordinator and all members of the round must build the same
/// package.
pub(super) fn signing_package(committee: &Committee, round: &[Committed], message: &[u8]) -> Result<SigningPackage> {
    let bad = |what: String| Error::Message(what);
    let mut commitments = BTreeMap::new();
    for c in round {
        let member =
            committee.member(&c.member).ok_or_else(|| bad("a signer of the round is not in the committee".into()))?;
        let parsed = SigningCommitments::deserialize(&c.commitments)
            .map_err(|e| bad(format!("the commitments of {} cannot be read: {e}", member.name())))?;
        if commitments.insert(member.identifier(), parsed).is_some() {
            return Err(bad(format!("{} is twice in the round", member.name())));
        }
    }
    if commitments.len() != committee.needed() {
        return Err(bad(format!("the round has {} signers, not {}", commitments.len(), committee.needed())));
    }
    Ok(SigningPackage::new(commitments, message))
}
