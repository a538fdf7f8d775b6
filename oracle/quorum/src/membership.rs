//! The members of a committee. The node reads them from the chain, so they are the same at every member.

use std::collections::BTreeSet;

use borsh::BorshSerialize;
use ed25519_dalek::{Signature, VerifyingKey};
use frost_ed25519::Identifier;
use openledger_protocol::{Hash32, hash::sha256};
use serde::{Deserialize, Serialize};

use crate::encoding::{hex_bytes, name};

/// One operator in a committee.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The member's place: 1 for the first member on chain, n for the last. It is also the FROST identifier.
    pub place: u16,
    /// The operator's wallet, by which the member is named.
    #[serde(with = "hex_bytes")]
    pub wallet: Hash32,
    /// Ed25519 public key that signs its messages and observations.
    #[serde(with = "hex_bytes")]
    pub identity: Hash32,
    /// Base URL, such as `http://127.0.0.1:7001`.
    pub endpoint: String,
}

impl Member {
    /// The member's FROST identifier. Call it on members of a checked committee only: place 0 has none.
    pub(crate) fn identifier(&self) -> Identifier {
        Identifier::try_from(self.place).expect("a checked committee has places from 1 on")
    }

    /// Its wallet in base58.
    pub fn name(&self) -> String {
        name(&self.wallet)
    }

    /// Whether its identity key signed `bytes`.
    pub fn signed(&self, bytes: &[u8], signature: &[u8; 64]) -> bool {
        VerifyingKey::from_bytes(&self.identity)
            .is_ok_and(|key| key.verify_strict(bytes, &Signature::from_bytes(signature)).is_ok())
    }
}

/// A committee: its members, and how many of them must sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Committee {
    /// Its number on chain.
    pub epoch: u64,
    /// t: members needed for a signature.
    pub threshold: u16,
    /// The members in order of place.
    pub members: Vec<Member>,
}

/// Why a committee is not valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitteeError {
    /// The threshold is less than 2, which FROST needs at least, or more than the number of members.
    #[error("threshold {threshold} of {size}: it must be at least 2 and at most the number of members")]
    Threshold {
        /// t.
        threshold: u16,
        /// n.
        size: usize,
    },
    /// A place is not the expected one. Places must be 1, 2, … n in this order.
    #[error("{} has place {place} where {expected} is due: places go from 1 to n in order", name(wallet))]
    Place {
        /// The member's wallet.
        wallet: Hash32,
        /// The member's place.
        place: u16,
        /// The expected place.
        expected: usize,
    },
    /// A wallet or an identity key appears twice.
    #[error("the wallet or the identity key of {} appears twice", name(wallet))]
    Duplicate {
        /// The wallet of the second member with it.
        wallet: Hash32,
    },
    /// The identity is not a point on the curve.
    #[error("the identity of {} is not an Ed25519 public key", name(wallet))]
    Identity {
        /// The member's wallet.
        wallet: Hash32,
    },
}

impl Committee {
    /// A checked committee.
    pub fn new(epoch: u64, threshold: u16, members: Vec<Member>) -> Result<Self, CommitteeError> {
        let committee = Self { epoch, threshold, members };
        committee.check()?;
        Ok(committee)
    }

    /// Checks that this committee is valid.
    pub fn check(&self) -> Result<(), CommitteeError> {
        let size = self.members.len();
        if self.threshold < 2 || usize::from(self.threshold) > size {
            return Err(CommitteeError::Threshold { threshold: self.threshold, size });
        }
        let (mut wallets, mut identities) = (BTreeSet::new(), BTreeSet::new());
        for (expected, m) in (1..).zip(&self.members) {
            if usize::from(m.place) != expected {
                return Err(CommitteeError::Place { wallet: m.wallet, place: m.place, expected });
            }
            if !wallets.insert(m.wallet) || !identities.insert(m.identity) {
                return Err(CommitteeError::Duplicate { wallet: m.wallet });
            }
            if VerifyingKey::from_bytes(&m.identity).is_err() {
                return Err(CommitteeError::Identity { wallet: m.wallet });
            }
        }
        Ok(())
    }

    /// Hash that names exactly this committee: epoch, threshold, wallets and identity keys in order. Endpoints are left
    /// out, because they may change.
    pub fn id(&self) -> Hash32 {
        #[derive(BorshSerialize)]
        struct Id {
            domain: &'static str,
            epoch: u64,
            threshold: u16,
            members: Vec<(Hash32, Hash32)>,
        }
        let members = self.members.iter().map(|m| (m.wallet, m.identity)).collect();
        let id = Id { domain: "openledger:committee:v1", epoch: self.epoch, threshold: self.threshold, members };
        sha256(&[&borsh::to_vec(&id).expect("writing to memory cannot fail")])
    }

    /// n, the number of members.
    pub fn size(&self) -> usize {
        self.members.len()
    }

    /// t, the number of members needed.
    pub fn needed(&self) -> usize {
        usize::from(self.threshold)
    }

    /// The member with this wallet, if there is one.
    pub fn member(&self, wallet: &Hash32) -> Option<&Member> {
        self.members.iter().find(|m| m.wallet == *wallet)
    }

    /// All members but `wallet`, in order.
    pub(crate) fn others(&self, wallet: Hash32) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(move |m| m.wallet != wallet)
    }

    /// The member with this FROST identifier.
    pub(crate) fn by_identifier(&self, identifier: &Identifier) -> Option<&Member> {
        self.members.iter().find(|m| m.identifier() == *identifier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(place: u16) -> Member {
        let identity = ed25519_dalek::SigningKey::from_bytes(&[place as u8; 32]).verifying_key().to_bytes();
        Member { place, wallet: [place as u8; 32], identity, endpoint: format!("http://127.0.0.1:{place}") }
    }

    #[test]
    fn a_committee_needs_distinct_members_in_order_and_a_threshold_within_them() {
        let all: Vec<_> = (1..=3).map(member).collect();
        assert!(Committee::new(1, 2, all.clone()).is_ok());
        assert!(matches!(Committee::new(1, 1, all.clone()), Err(CommitteeError::Threshold { .. })));
        assert!(matches!(Committee::new(1, 4, all.clone()), Err(CommitteeError::Threshold { .. })));
        assert!(matches!(
            Committee::new(1, 2, vec![member(2), member(1)]),
            Err(CommitteeError::Place { place: 2, expected: 1, .. })
        ));
        let twice = vec![member(1), Member { place: 2, ..member(1) }];
        assert!(matches!(Committee::new(1, 2, twice), Err(CommitteeError::Duplicate { .. })));
    }

    #[test]
    fn the_id_binds_epoch_threshold_and_members_but_not_endpoints() {
        let all: Vec<_> = (1..=3).map(member).collect();
        let base = Committee::new(1, 2, all.clone()).unwrap();
        let mut moved = base.clone();
        moved.members[0].endpoint = "http://elsewhere".into();
        assert_eq!(base.id(), moved.id());
        assert_ne!(base.id(), Committee { epoch: 2, ..base.clone() }.id());
        assert_ne!(base.id(), Committee { threshold: 3, ..base.clone() }.id());
        assert_ne!(base.id(), Committee { members: all[..2].to_vec(), ..base.clone() }.id());
    }
}
