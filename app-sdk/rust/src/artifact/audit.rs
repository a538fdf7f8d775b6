//! The audit of an epoch: how far what a few answers paid agrees with the exact attribution.

use crate::{
    canonical,
    text::{hash_hex, key_b58, parse_signature},
};
use openledger_protocol::Hash32;
use serde::{Deserialize, Serialize};
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signature::Signature;
use solana_signer::Signer;

/// Prefix of the signed bytes. It ensures that a signature over anything else never passes for one over an audit.
const DOMAIN: &[u8] = b"openledger:audit:v1\0";

/// An operator's audit of a settled epoch. It moves no money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    /// Version of this format: [`Audit::VERSION`].
    pub version: u32,
    /// The epoch.
    pub epoch: u64,
    /// SHA-256 of the settlement's report.
    #[serde(with = "hash_hex")]
    pub report: Hash32,
    /// Hash of the first block after the settlement was posted. It drew the answers.
    #[serde(with = "hash_hex")]
    pub block: Hash32,
    /// Wallet of the operator that walked.
    #[serde(with = "key_b58")]
    pub operator: Pubkey,
    /// The answers that were drawn.
    pub answers: Vec<AuditedAnswer>,
    /// Signature by the operator's identity key, in hex. It is empty until the audit is signed.
    #[serde(default)]
    pub signature: String,
}

/// An answer whose pay was compared with the exact attribution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditedAnswer {
    /// The request.
    #[serde(with = "hash_hex")]
    pub request: Hash32,
    /// The model.
    #[serde(with = "key_b58")]
    pub model: Pubkey,
    /// The job whose documents it paid.
    #[serde(with = "key_b58")]
    pub job: Pubkey,
    /// Spearman's rank correlation of the scores that paid with the exact ones, in parts per million, rounded down.
    pub agreement_ppm: i64,
    /// Total variation between the shares by both: the part of the pay that the exact scores would give to other
    /// documents, in parts per million.
    pub variation_ppm: u64,
}

impl Audit {
    /// The version that this crate writes.
    pub const VERSION: u32 = 1;

    /// The bytes that are signed: a domain tag, and then the canonical JSON with an empty `signature`.
    fn signed_bytes(&self) -> Result<Vec<u8>, canonical::CanonicalError> {
        let unsigned = Self { signature: String::new(), ..self.clone() };
        Ok([DOMAIN, &canonical::to_vec(&unsigned)?].concat())
    }

    /// Signs the audit with the operator's identity key.
    pub fn sign(&mut self, identity: &Keypair) -> Result<(), canonical::CanonicalError> {
        self.signature = hex::encode(identity.sign_message(&self.signed_bytes()?));
        Ok(())
    }

    /// Whether `identity` has signed the audit.
    pub fn is_by(&self, identity: &Pubkey) -> bool {
        let (Ok(signature), Ok(bytes)) = (parse_signature(&self.signature), self.signed_bytes()) else { return false };
        Signature::from(signature).verify(identity.as_ref(), &bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signed_audit_holds_after_json_and_no_number_can_be_changed() {
        let (key, identity) = (Pubkey::new_from_array([1; 32]), Keypair::new_from_array([5; 32]));
        let answer = AuditedAnswer { request: [2; 32], model: key, job: key, agreement_ppm: -3, variation_ppm: 4 };
        let mut audit = Audit {
            version: Audit::VERSION,
            epoch: 7,
            report: [3; 32],
            block: [4; 32],
            operator: key,
            answers: vec![answer],
            signature: String::new(),
        };
        assert!(!audit.is_by(&identity.pubkey()));
        audit.sign(&identity).unwrap();
        let mut again: Audit = serde_json::from_str(&serde_json::to_string(&audit).unwrap()).unwrap();
        assert!(again.is_by(&identity.pubkey()) && !again.is_by(&key));
        again.answers[0].agreement_ppm = 1_000_000;
        assert!(!again.is_by(&identity.pubkey()));
    }
}
