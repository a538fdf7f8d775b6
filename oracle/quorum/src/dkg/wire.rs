//! The messages of key generation, and how round-1 packages are signed.

use std::collections::BTreeMap;

use borsh::BorshSerialize;
use ed25519_dalek::Signer;
use frost_ed25519::keys::dkg;
use openledger_protocol::{Hash32, hash::sha256};
use serde::{Deserialize, Serialize};

use crate::{encoding::hex_bytes, membership::Member};

/// Answer to `dkg-round1`: a member's round-1 package and session key. They are signed by themselves, so that other
/// members can show them to one another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round1 {
    /// Wallet of the member that made it.
    #[serde(with = "hex_bytes")]
    pub member: Hash32,
    /// FROST round-1 `Package`.
    #[serde(with = "hex_bytes")]
    pub package: Vec<u8>,
    /// The member's X25519 public key for this session.
    #[serde(with = "hex_bytes")]
    pub transport_key: [u8; 32],
    /// Signature by the member's identity key.
    #[serde(with = "hex_bytes")]
    pub signature: [u8; 64],
}

impl Round1 {
    /// Signs a member's package and session key for the committee with this id.
    ///
    /// # Security
    ///
    /// A member must sign only one package for each committee. Two that differ are evidence against it.
    pub fn sign(
        identity: &ed25519_dalek::SigningKey,
        committee: &Hash32,
        member: Hash32,
        package: Vec<u8>,
        transport_key: [u8; 32],
    ) -> Self {
        let mut signed = Self { member, package, transport_key, signature: [0; 64] };
        signed.signature = identity.sign(&signed.signed_bytes(committee)).to_bytes();
        signed
    }

    fn signed_bytes(&self, committee: &Hash32) -> Vec<u8> {
        #[derive(BorshSerialize)]
        struct Signed<'a> {
            domain: &'static str,
            committee: &'a Hash32,
            member: &'a Hash32,
            package: &'a [u8],
            transport_key: &'a [u8; 32],
        }
        let Self { member, package, transport_key, .. } = self;
        let domain = "openledger:dkg-round1:v1";
        borsh::to_vec(&Signed { domain, committee, member, package, transport_key })
            .expect("writing to memory cannot fail")
    }

    /// Digest of exactly this package and session key in the committee with this id.
    pub(super) fn digest(&self, committee: &Hash32) -> Hash32 {
        sha256(&[&self.signed_bytes(committee)])
    }

    /// Whether `member` signed this package for `committee`.
    pub(super) fn is_by(&self, member: &Member, committee: &Hash32) -> bool {
        self.member == member.wallet && member.signed(&self.signed_bytes(committee), &self.signature)
    }

    /// The package in FROST's type. Fails if it is not a package for `threshold` signers.
    pub(super) fn parse(&self, threshold: u16) -> Result<dkg::round1::Package, String> {
        let package = dkg::round1::Package::deserialize(&self.package).map_err(|e| e.to_string())?;
        let coefficients = package.commitment().serialize().map_err(|e| e.to_string())?.len();
        if coefficients == usize::from(threshold) {
            Ok(package)
        } else {
            Err(format!("{coefficients} coefficients for a threshold of {threshold}"))
        }
    }
}

/// Member (hex) → digest (hex) of the round-1 package that was received from it.
pub(super) type Digests = BTreeMap<String, String>;

/// The digests of `round1`, the packages of a committee by member.
pub(super) fn digests(round1: &BTreeMap<Hash32, Round1>, committee: &Hash32) -> Digests {
    round1.iter().map(|(wallet, r)| (hex::encode(wallet), hex::encode(r.digest(committee)))).collect()
}

/// Answer to `dkg-round2`: a member's round-2 package for the sender of the request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Round2 {
    /// Member (hex) → digest (hex) of the round-1 package that the sender received from it.
    pub seen: BTreeMap<String, String>,
    /// FROST round-2 `Package`, encrypted to the recipient's session key.
    #[serde(with = "hex_bytes")]
    pub package: Vec<u8>,
}

/// Body of `dkg-evidence`: asks for the round-1 package that the recipient received from a third member.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EvidenceRequest {
    /// Wallet of the third member.
    #[serde(with = "hex_bytes")]
    pub member: Hash32,
}
