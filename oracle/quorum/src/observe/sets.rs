//! What members endorse together: first a set of commitments (they *seal* it), later the reveals for it (they *close*
//! it). Pure.

use std::collections::BTreeSet;

use borsh::BorshSerialize;
use ed25519_dalek::{Signer, SigningKey};
use openledger_protocol::{Hash32, hash::sha256};
use serde::{Deserialize, Serialize};

use super::{
    error::AgreeError,
    observation::{Commitment, MAX_VALUES, Reveal},
};
use crate::{
    encoding::hex_bytes,
    membership::{Committee, Member},
    store::ObservationKey,
};

/// A set of commitments, by which it is fixed who can be counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitmentSet {
    /// One commitment of each member that counts, in ascending order of wallets.
    pub commitments: Vec<Commitment>,
    /// Pairs of different commitments of one member each, in ascending order of wallets. These members have lied and do
    /// not count.
    pub excluded: Vec<[Commitment; 2]>,
}

impl CommitmentSet {
    /// The hash that seals are made over. It names the round, each commitment, and who is excluded.
    pub fn digest(&self, key: &ObservationKey) -> Hash32 {
        #[derive(BorshSerialize)]
        struct Set {
            domain: &'static str,
            round: Round,
            commitments: Vec<(Hash32, Hash32)>,
            excluded: Vec<Hash32>,
        }
        hash(&Set {
            domain: "openledger:observe-seal:v1",
            round: round(key),
            commitments: self.commitments.iter().map(|c| (c.operator, c.commitment)).collect(),
            excluded: self.excluded.iter().map(|[first, _]| first.operator).collect(),
        })
    }

    /// The commitment of `operator`, if it is in the set.
    pub fn of(&self, operator: &Hash32) -> Option<&Commitment> {
        self.commitments.iter().find(|c| c.operator == *operator)
    }

    /// Checks order, authors and signatures. At least t members must have committed.
    pub fn check(&self, committee: &Committee, key: &ObservationKey) -> Result<(), AgreeError> {
        let operators = |all: &mut dyn Iterator<Item = Hash32>| {
            let all: Vec<_> = all.collect();
            let unordered = all.windows(2).find(|pair| pair[0] >= pair[1]).map(|pair| pair[1]);
            unordered.map_or(Ok(all), |operator| Err(AgreeError::Member(operator)))
        };
        let counted = operators(&mut self.commitments.iter().map(|c| c.operator))?;
        let excluded = operators(&mut self.excluded.iter().map(|[first, _]| first.operator))?;
        if let Some(both) = excluded.iter().find(|e| counted.contains(e)) {
            return Err(AgreeError::Member(*both));
        }
        for [first, second] in &self.excluded {
            if first.operator != second.operator || first.commitment == second.commitment {
                return Err(AgreeError::Excluded(first.operator));
            }
        }
        for c in self.commitments.iter().chain(self.excluded.iter().flatten()) {
            check_commitment(committee, key, c)?;
        }
        enough(committee, counted.len())
    }
}

/// Checks that a commitment is signed by a member for `key`.
pub fn check_commitment(committee: &Committee, key: &ObservationKey, c: &Commitment) -> Result<(), AgreeError> {
    let member = committee.member(&c.operator).ok_or(AgreeError::Member(c.operator))?;
    if c.is_by(member, key) { Ok(()) } else { Err(AgreeError::Commitment(c.operator)) }
}

/// A member's signature over the digest of what it endorses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endorsement {
    /// The operator's wallet.
    #[serde(with = "hex_bytes")]
    pub operator: Hash32,
    /// Signature by the operator's identity key.
    #[serde(with = "hex_bytes")]
    pub signature: [u8; 64],
}

impl Endorsement {
    /// The endorsement of `digest` by `operator`.
    pub fn sign(identity: &SigningKey, operator: Hash32, digest: &Hash32) -> Self {
        Self { operator, signature: identity.sign(&endorsed_bytes(digest)).to_bytes() }
    }

    /// Whether `member` made this endorsement of `digest`.
    pub fn is_by(&self, member: &Member, digest: &Hash32) -> bool {
        self.operator == member.wallet && member.signed(&endorsed_bytes(digest), &self.signature)
    }
}

fn endorsed_bytes(digest: &Hash32) -> Vec<u8> {
    [b"openledger:observe-endorse:v1", &digest[..]].concat()
}

/// Checks that at least t different members endorsed `digest`, and that nothing else is among the endorsements.
pub fn check_endorsements(committee: &Committee, digest: &Hash32, all: &[Endorsement]) -> Result<(), AgreeError> {
    let mut seen = BTreeSet::new();
    for e in all {
        let member = committee.member(&e.operator).filter(|_| seen.insert(e.operator));
        if !e.is_by(member.ok_or(AgreeError::Member(e.operator))?, digest) {
            return Err(AgreeError::Endorsement(e.operator));
        }
    }
    enough(committee, seen.len())
}

/// A set of commitments that t members have sealed. Members reveal for such a set only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedSet {
    /// The set.
    pub set: CommitmentSet,
    /// At least t members' endorsements of [`CommitmentSet::digest`].
    pub seals: Vec<Endorsement>,
}

impl SealedSet {
    /// Checks the set and its seals.
    pub fn check(&self, committee: &Committee, key: &ObservationKey) -> Result<(), AgreeError> {
        self.set.check(committee, key)?;
        check_endorsements(committee, &self.set.digest(key), &self.seals)
    }
}

/// Checks one reveal against the set of commitments.
pub fn check_reveal(
    committee: &Committee,
    key: &ObservationKey,
    set: &CommitmentSet,
    reveal: &Reveal,
) -> Result<(), AgreeError> {
    let operator = reveal.operator;
    let member = committee.member(&operator).ok_or(AgreeError::Member(operator))?;
    if reveal.values.len() > MAX_VALUES {
        return Err(AgreeError::Length(operator));
    }
    if !reveal.is_by(member, key) {
        return Err(AgreeError::Signature(operator));
    }
    let committed = set.of(&operator).is_some_and(|c| c.commitment == reveal.commitment(key));
    if committed { Ok(()) } else { Err(AgreeError::Mismatch(operator)) }
}

/// The hash that closings are made over. It names the sealed set and every reveal that is counted with it.
pub fn closing_digest(key: &ObservationKey, set: &CommitmentSet, reveals: &[Reveal]) -> Hash32 {
    #[derive(BorshSerialize)]
    struct Closing {
        domain: &'static str,
        set: Hash32,
        reveals: Vec<Hash32>,
    }
    hash(&Closing {
        domain: "openledger:observe-close:v1",
        set: set.digest(key),
        reveals: reveals.iter().map(|r| r.leaf(key)).collect(),
    })
}

/// Checks reveals for a set: each is checked, and they are in ascending order of wallets.
pub fn check_reveals(
    committee: &Committee,
    key: &ObservationKey,
    set: &CommitmentSet,
    reveals: &[Reveal],
) -> Result<(), AgreeError> {
    if let Some(pair) = reveals.windows(2).find(|pair| pair[0].operator >= pair[1].operator) {
        return Err(AgreeError::Member(pair[1].operator));
    }
    reveals.iter().try_for_each(|r| check_reveal(committee, key, set, r))
}

/// The reveals that a median can be taken of: those with the most common length. If lengths are equally common, the
/// length of the member with the lower wallet is taken. So a member with a vector of another length spoils nothing.
pub fn comparable(reveals: &[Reveal]) -> Vec<&Reveal> {
    let count = |length: usize| reveals.iter().filter(|r| r.values.len() == length).count();
    // `max_by_key` takes the last of equals, so the iteration goes backwards.
    let common = reveals.iter().rev().map(|r| r.values.len()).max_by_key(|length| count(*length));
    reveals.iter().filter(|r| Some(r.values.len()) == common).collect()
}

/// Fails if `have` is less than t.
pub fn enough(committee: &Committee, have: usize) -> Result<(), AgreeError> {
    let need = committee.needed();
    if have >= need { Ok(()) } else { Err(AgreeError::TooFew { have, need }) }
}

#[derive(BorshSerialize)]
struct Round {
    cluster: Hash32,
    epoch: u64,
    subject: Hash32,
    sequence: u64,
}

fn round(key: &ObservationKey) -> Round {
    let ObservationKey { cluster, epoch, subject, sequence } = *key;
    Round { cluster, epoch, subject, sequence }
}

fn hash(value: &impl BorshSerialize) -> Hash32 {
    sha256(&[&borsh::to_vec(value).expect("writing to memory cannot fail")])
}
