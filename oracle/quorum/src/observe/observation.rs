//! The two things that an operator signs when it observes: first a commitment, later the observation itself.
//! `openledger_protocol` defines the signed bytes of the observation, because a program checks them too.

use borsh::BorshSerialize;
use ed25519_dalek::{Signer, SigningKey};
use openledger_protocol::{
    Hash32,
    hash::{Domain, sha256, tagged2},
};
use serde::{Deserialize, Serialize};

use crate::{encoding::hex_bytes, membership::Member, store::ObservationKey};

pub use openledger_protocol::observation::Observation;

/// The observation of `operator` with these scores.
fn observation(key: &ObservationKey, operator: Hash32, context: &Hash32, scores: &[u64]) -> Observation {
    Observation {
        cluster: key.cluster,
        epoch: key.epoch,
        operator,
        subject: key.subject,
        sequence: key.sequence,
        content: content_hash(context, scores),
    }
}

/// Hash of an observation's content: `H(context hash ‖ Borsh(scores))`.
pub fn content_hash(context: &Hash32, scores: &[u64]) -> Hash32 {
    sha256(&[context, &borsh::to_vec(scores).expect("writing to memory cannot fail")])
}

/// Hash of the round's context as JSON text. It is signed with the scores, so the same scores under another context are
/// a different content.
pub fn context_hash(context: &serde_json::Value) -> Hash32 {
    sha256(&[context.to_string().as_bytes()])
}

/// An observation with everything that is needed to check it.
///
/// # Security
///
/// The salt must be random, and secret until the reveal. Scores alone can be guessed, and then the commitment hides
/// nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reveal {
    /// The operator's wallet.
    #[serde(with = "hex_bytes")]
    pub operator: Hash32,
    /// Hash of the context in which it scored.
    #[serde(with = "hex_bytes")]
    pub context: Hash32,
    /// The scores, in parts per million.
    pub scores: Vec<u64>,
    /// Random bytes that are hashed with the observation, so that its commitment does not betray the scores.
    #[serde(with = "hex_bytes")]
    pub salt: [u8; 32],
    /// Signature by the operator's identity key over [`Observation::to_bytes`].
    #[serde(with = "hex_bytes")]
    pub signature: [u8; 64],
}

impl Reveal {
    /// Signs an observation.
    ///
    /// # Security
    ///
    /// An operator must sign only one observation for each key. Two that differ prove equivocation to the stake
    /// program.
    pub fn sign(
        identity: &SigningKey,
        key: &ObservationKey,
        operator: Hash32,
        context: Hash32,
        scores: Vec<u64>,
        salt: [u8; 32],
    ) -> Self {
        let signature = identity.sign(&observation(key, operator, &context, &scores).to_bytes()).to_bytes();
        Self { operator, context, scores, salt, signature }
    }

    /// The observation that is signed.
    pub fn observation(&self, key: &ObservationKey) -> Observation {
        observation(key, self.operator, &self.context, &self.scores)
    }

    /// The salted hash that is shown before the observation.
    pub fn commitment(&self, key: &ObservationKey) -> Hash32 {
        tagged2(Domain::Observation, &self.observation(key).to_bytes(), &self.salt)
    }

    /// The reveal's leaf under the observations root: the signed observation in the form that a program checks.
    pub fn leaf(&self, key: &ObservationKey) -> Hash32 {
        tagged2(Domain::Artifact, &self.observation(key).to_bytes(), &self.signature)
    }

    /// Whether the reveal's operator is `member` and signed it.
    pub fn is_by(&self, member: &Member, key: &ObservationKey) -> bool {
        self.operator == member.wallet && member.signed(&self.observation(key).to_bytes(), &self.signature)
    }
}

/// A signed commitment to an observation, to be shown to all members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commitment {
    /// The operator's wallet.
    #[serde(with = "hex_bytes")]
    pub operator: Hash32,
    /// The hash [`Reveal::commitment`].
    #[serde(with = "hex_bytes")]
    pub commitment: Hash32,
    /// Signature by the operator's identity key.
    #[serde(with = "hex_bytes")]
    pub signature: [u8; 64],
}

impl Commitment {
    /// The signed commitment to `reveal`.
    pub fn sign(identity: &SigningKey, key: &ObservationKey, reveal: &Reveal) -> Self {
        let (operator, commitment) = (reveal.operator, reveal.commitment(key));
        let mut signed = Self { operator, commitment, signature: [0; 64] };
        signed.signature = identity.sign(&signed.signed_bytes(key)).to_bytes();
        signed
    }

    /// Whether the commitment's operator is `member` and signed it for `key`.
    pub fn is_by(&self, member: &Member, key: &ObservationKey) -> bool {
        self.operator == member.wallet && member.signed(&self.signed_bytes(key), &self.signature)
    }

    fn signed_bytes(&self, key: &ObservationKey) -> Vec<u8> {
        #[derive(BorshSerialize)]
        struct Signed {
            domain: &'static str,
            cluster: Hash32,
            epoch: u64,
            operator: Hash32,
            subject: Hash32,
            sequence: u64,
            commitment: Hash32,
        }
        borsh::to_vec(&Signed {
            domain: "openledger:observe-commit:v1",
            cluster: key.cluster,
            epoch: key.epoch,
            operator: self.operator,
            subject: key.subject,
            sequence: key.sequence,
            commitment: self.commitment,
        })
        .expect("writing to memory cannot fail")
    }
}
