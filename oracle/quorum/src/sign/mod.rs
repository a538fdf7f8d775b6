//! Threshold signatures: FROST (RFC 9591) with Ed25519, any t of n members, in the manner of ROAST.
//!
//! A coordinator asks all members to check the message and to commit to nonces. As soon as t have, they form a signing
//! round; members that keep a round waiting are left behind in it, and those that answered start another with whoever
//! else is ready. So n − t silent or lying members cost a few delays and nothing else (ROAST, Ruffing et al. 2022).
//! The result is one plain Ed25519 signature under the group key, checked before it is handed out.

use async_trait::async_trait;
use openledger_protocol::{Hash32, attest::Message};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    encoding::hex_bytes,
    error::{Error, Fault, Result},
    membership::Committee,
    store::KeyShareRow,
};

mod coordinator;
pub(crate) mod member;
mod message;

pub use coordinator::Coordinator;
pub use message::parse_message;

/// The node's word on what may be signed. It must check the payload against the chain and by its own computation.
#[async_trait]
pub trait Approver: Send + Sync + 'static {
    /// Whether this operator agrees that `message` with `payload` (Borsh bytes of the instruction's arguments; their
    /// hash is in the message, checked) be signed. `context` is what the coordinator says about it: to be believed no
    /// more than anything else from another member. The error is told to the coordinator. May take minutes. Called
    /// again for the same question only after an error or a restart.
    async fn approve(&self, message: &Message, payload: &[u8], context: &Value) -> Result<(), String>;

    /// The newest finalized slot, if known. When the last slot in which a signed payload could be used has passed
    /// without use, a new payload for that sequence may be signed; with `None` never.
    async fn finalized_slot(&self) -> Option<u64> {
        None
    }
}

/// A signature of the committee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attestation {
    /// Plain Ed25519 signature over `Message::to_bytes`.
    pub signature: [u8; 64],
    /// The committee's key.
    pub group_key: Hash32,
    /// Wallets of the members whose shares made it.
    pub signers: Vec<Hash32>,
    /// Members that refused or lied on the way.
    pub faults: Vec<Fault>,
}

/// Body of `sign-commit`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CommitRequest {
    /// `Message::to_bytes`.
    #[serde(with = "hex_bytes")]
    pub message: Vec<u8>,
    /// What `Message::payload` is the hash of.
    #[serde(with = "hex_bytes")]
    pub payload: Vec<u8>,
    /// For the members' approvers.
    pub context: Value,
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
    /// Whose.
    #[serde(with = "hex_bytes")]
    pub member: Hash32,
    /// FROST `SigningCommitments`.
    #[serde(with = "hex_bytes")]
    pub commitments: Vec<u8>,
}

/// Body of `sign-share`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ShareRequest {
    /// The round: exactly t members, the recipient among them.
    pub round: Vec<Committed>,
}

/// Answer to `sign-share`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ShareAnswer {
    /// FROST `SignatureShare`.
    #[serde(with = "hex_bytes")]
    pub share: Vec<u8>,
}

/// The signing package of a round over `message`. All members must build it alike.
fn package(committee: &Committee, round: &[Committed], message: &[u8]) -> Result<frost_ed25519::SigningPackage> {
    let bad = |what: String| Error::Message(what);
    let mut commitments = std::collections::BTreeMap::new();
    for c in round {
        let member =
            committee.member(&c.member).ok_or_else(|| bad("a signer of the round is not in the committee".into()))?;
        let parsed = frost_ed25519::round1::SigningCommitments::deserialize(&c.commitments)
            .map_err(|e| bad(format!("the commitments of {} cannot be read: {e}", member.name())))?;
        if commitments.insert(member.identifier(), parsed).is_some() {
            return Err(bad(format!("{} is twice in the round", member.name())));
        }
    }
    if commitments.len() != committee.needed() {
        return Err(bad(format!("the round has {} signers, not {}", commitments.len(), committee.needed())));
    }
    Ok(frost_ed25519::SigningPackage::new(commitments, message))
}

/// The key share of `committee` stored here.
async fn key_share(context: &crate::Context, committee: &Committee) -> Result<crate::KeyShare> {
    let row: KeyShareRow =
        context.store.key_share(&committee.id()).await?.ok_or(Error::NoKeyShare { epoch: committee.epoch })?;
    crate::KeyShare::from_row(&context.vault, row)
}
