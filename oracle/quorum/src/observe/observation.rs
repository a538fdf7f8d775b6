//! The two things that an operator signs about its own values: first a commitment, later the observation itself.
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

/// Most values in one observation.
pub const MAX_VALUES: usize = 1_000_000;

/// The subject that is observed if `subject` is asked about in `context`. Another context is another subject.
///
/// So a member that was asked in a wrong context can still be asked in the right one, and two contexts are no
/// equivocation. The bound subject stands where programs and other members look for an observation's subject.
pub fn bound_subject(subject: &Hash32, context: &serde_json::Value) -> Hash32 {
    sha256(&[b"openledger:observe-subject:v1", subject, &context_hash(context)])
}

/// Hash of the round's context as JSON text.
pub fn context_hash(context: &serde_json::Value) -> Hash32 {
    sha256(&[context.to_string().as_bytes()])
}

/// Hash of an observation's content: `H(Borsh(values))`. The context is in the subject.
pub fn content_hash(values: &[u64]) -> Hash32 {
    sha256(&[&borsh::to_vec(values).expect("writing to memory cannot fail")])
}

/// The observation of `operator` with these values.
fn observation(key: &ObservationKey, operator: Hash32, values: &[u64]) -> Observation {
    Observation {
        cluster: key.cluster,
        epoch: key.epoch,
        operator,
        subject: key.subject,
        sequence: key.sequence,
        content: content_hash(values),
    }
}

/// An observation with everything that is needed to check it.
///
/// # Security
///
/// The salt must be random, and secret until the reveal. Values alone can be guessed, and then the commitment hides
/// nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reveal {
    /// The operator's wallet.
    #[serde(with = "hex_bytes")]
    pub operator: Hash32,
    /// The values, at most [`MAX_VALUES`].
    pub values: Vec<u64>,
    /// Random bytes that are hashed with the observation, so that its commitment does not betray the values.
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
        values: Vec<u64>,
        salt: [u8; 32],
    ) -> Self {
        let signature = identity.sign(&observation(key, operator, &values).to_bytes()).to_bytes();
        Self { operator, values, salt, signature }
    }

    /// The observation that is signed.
    pub fn observation(&self, key: &ObservationKey) -> Observation {
        observation(key, self.operator, &self.values)
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use openledger_protocol::{
        attest::ED25519_PROGRAM,
        observation::{equivocation, evidence_data},
    };

    fn signed(context: serde_json::Value, values: &[u64]) -> (Observation, [u8; 64]) {
        let subject = bound_subject(&[8; 32], &context);
        let key = ObservationKey { cluster: [9; 32], epoch: 1, subject, sequence: 3 };
        let reveal = Reveal::sign(&SigningKey::from_bytes(&[1; 32]), &key, [1; 32], values.to_vec(), [5; 32]);
        (reveal.observation(&key), reveal.signature)
    }

    #[test]
    fn a_program_sees_equivocation_in_two_values_of_one_context_and_none_in_two_contexts() {
        let identity = SigningKey::from_bytes(&[1; 32]).verifying_key().to_bytes();
        let proven = |a: (Observation, [u8; 64]), b: (Observation, [u8; 64])| {
            let data = evidence_data(&identity, [&a.1, &b.1], [&a.0, &b.0]);
            equivocation(&ED25519_PROGRAM, &data, &identity).is_ok()
        };
        assert!(proven(signed(json!({"n": 1}), &[1]), signed(json!({"n": 1}), &[2])));
        assert!(!proven(signed(json!({"n": 1}), &[1]), signed(json!({"n": 2}), &[2])));
        assert!(!proven(signed(json!({"n": 1}), &[1]), signed(json!({"n": 1}), &[1])));
    }

    #[test]
    fn a_bound_subject_depends_on_subject_and_context() {
        let base = bound_subject(&[1; 32], &json!({"n": 1}));
        assert_ne!(base, bound_subject(&[2; 32], &json!({"n": 1})));
        assert_ne!(base, bound_subject(&[1; 32], &json!({"n": 2})));
    }
}
