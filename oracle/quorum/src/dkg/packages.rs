//! The packages of key generation: how they are signed and checked.

use std::collections::BTreeMap;

use borsh::BorshSerialize;
use crypto_box::{PublicKey, SecretKey};
use ed25519_dalek::{Signer, SigningKey};
use frost_ed25519::keys::{SecretShare, dkg};
use openledger_protocol::{Hash32, hash::sha256};
use serde::{Deserialize, Serialize};

use crate::{
    encoding::hex_bytes,
    membership::{Committee, Member},
    seal,
};

/// Names one attempt at the key of the committee with this id. Everything that is signed in the attempt names it.
pub fn attempt_id(committee: &Hash32, number: u16) -> Hash32 {
    sha256(&[b"openledger:dkg-attempt:v1", committee, &number.to_le_bytes()])
}

/// A member's round-1 package and session key. They are signed by themselves, so that other members can show them to
/// one another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round1 {
    /// Wallet of the member that made it.
    #[serde(with = "hex_bytes")]
    pub member: Hash32,
    /// FROST round-1 `Package`.
    #[serde(with = "hex_bytes")]
    pub package: Vec<u8>,
    /// The member's X25519 public key for this attempt.
    #[serde(with = "hex_bytes")]
    pub transport_key: [u8; 32],
    /// Signature by the member's identity key.
    #[serde(with = "hex_bytes")]
    pub signature: [u8; 64],
}

impl Round1 {
    /// Signs a member's package and session key for the attempt with this id.
    ///
    /// # Security
    ///
    /// A member must sign only one package for each attempt. Two that differ are evidence against it.
    pub fn sign(
        identity: &SigningKey,
        attempt: &Hash32,
        member: Hash32,
        package: Vec<u8>,
        transport_key: [u8; 32],
    ) -> Self {
        let mut signed = Self { member, package, transport_key, signature: [0; 64] };
        signed.signature = identity.sign(&signed.signed_bytes(attempt)).to_bytes();
        signed
    }

    fn signed_bytes(&self, attempt: &Hash32) -> Vec<u8> {
        #[derive(BorshSerialize)]
        struct Signed<'a> {
            domain: &'static str,
            attempt: &'a Hash32,
            member: &'a Hash32,
            package: &'a [u8],
            transport_key: &'a [u8; 32],
        }
        let Self { member, package, transport_key, .. } = self;
        let domain = "openledger:dkg-round1:v2";
        borsh::to_vec(&Signed { domain, attempt, member, package, transport_key })
            .expect("writing to memory cannot fail")
    }

    /// Digest of exactly this package and session key in the attempt with this id.
    pub fn digest(&self, attempt: &Hash32) -> Hash32 {
        sha256(&[&self.signed_bytes(attempt)])
    }

    /// Whether `member` signed this package for `attempt`.
    pub(super) fn is_by(&self, member: &Member, attempt: &Hash32) -> bool {
        self.member == member.wallet && member.signed(&self.signed_bytes(attempt), &self.signature)
    }

    /// The package in FROST's type. Fails if it is not a package of this member for this committee's threshold, with a
    /// proof that the member knows its secret.
    pub(super) fn parse(&self, committee: &Committee) -> Result<dkg::round1::Package, String> {
        let member = committee.member(&self.member).ok_or("it is not a member's")?;
        let package = dkg::round1::Package::deserialize(&self.package).map_err(|e| e.to_string())?;
        let coefficients = package.commitment().serialize().map_err(|e| e.to_string())?.len();
        if coefficients != committee.needed() {
            return Err(format!("{coefficients} coefficients for a threshold of {}", committee.threshold));
        }
        let proof = package.proof_of_knowledge();
        frost_core::keys::dkg::verify_proof_of_knowledge(member.identifier(), package.commitment(), proof)
            .map_err(|_| "it does not prove that its author knows the secret")?;
        Ok(package)
    }
}

/// Member (hex) → digest (hex) of the round-1 package that was received from it.
pub(super) type Digests = BTreeMap<String, String>;

/// The digests of `round1`, the packages of an attempt by member.
pub(super) fn digests(round1: &BTreeMap<Hash32, Round1>, attempt: &Hash32) -> Digests {
    round1.iter().map(|(wallet, r)| (hex::encode(wallet), hex::encode(r.digest(attempt)))).collect()
}

/// A member's round-2 package for another. It is signed by itself, so that the recipient can show it to others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round2 {
    /// Wallet of the member that made it.
    #[serde(with = "hex_bytes")]
    pub from: Hash32,
    /// Wallet of the member that it is for.
    #[serde(with = "hex_bytes")]
    pub to: Hash32,
    /// Member (hex) → digest (hex) of the round-1 package that the sender received from it.
    pub seen: BTreeMap<String, String>,
    /// FROST round-2 `Package`, encrypted to the recipient's session key.
    #[serde(with = "hex_bytes")]
    pub package: Vec<u8>,
    /// Signature by the sender's identity key.
    #[serde(with = "hex_bytes")]
    pub signature: [u8; 64],
}

impl Round2 {
    /// This package, signed by its sender for the attempt with this id. The former signature does not matter.
    pub fn sign(mut self, identity: &SigningKey, attempt: &Hash32) -> Self {
        self.signature = identity.sign(&self.signed_bytes(attempt)).to_bytes();
        self
    }

    fn signed_bytes(&self, attempt: &Hash32) -> Vec<u8> {
        #[derive(BorshSerialize)]
        struct Signed<'a> {
            domain: &'static str,
            attempt: &'a Hash32,
            from: &'a Hash32,
            to: &'a Hash32,
            seen: &'a BTreeMap<String, String>,
            package: &'a [u8],
        }
        let Self { from, to, seen, package, .. } = self;
        let domain = "openledger:dkg-round2:v1";
        borsh::to_vec(&Signed { domain, attempt, from, to, seen, package }).expect("writing to memory cannot fail")
    }

    /// Whether `member` signed this package for `attempt`.
    pub(super) fn is_by(&self, member: &Member, attempt: &Hash32) -> bool {
        self.from == member.wallet && member.signed(&self.signed_bytes(attempt), &self.signature)
    }

    /// Whether the sender built on this round-1 package.
    pub(super) fn has_seen(&self, package: &Round1, attempt: &Hash32) -> bool {
        self.seen.get(&hex::encode(package.member)) == Some(&hex::encode(package.digest(attempt)))
    }

    /// Decrypts the share with the recipient's session key, and checks it against the sender's round-1 package.
    ///
    /// > Round 2, step 2. Each P_i verifies their shares by calculating g^f_ℓ(i) ≟ ∏ φ_ℓk^(i^k mod q), 0 ≤ k ≤ t − 1,
    /// > aborting if the check fails.
    pub(super) fn open(
        &self,
        sender: &Round1,
        recipient: &Member,
        secret: &SecretKey,
        committee: &Committee,
    ) -> Result<dkg::round2::Package, String> {
        let commitment = sender.parse(committee)?.commitment().clone();
        let plain = seal::open(&PublicKey::from_bytes(sender.transport_key), secret, &self.package)
            .ok_or("it cannot be decrypted")?;
        let package = dkg::round2::Package::deserialize(&plain).map_err(|e| e.to_string())?;
        SecretShare::new(recipient.identifier(), *package.signing_share(), commitment)
            .verify()
            .map_err(|_| "the share does not fit its author's commitments")?;
        Ok(package)
    }
}
