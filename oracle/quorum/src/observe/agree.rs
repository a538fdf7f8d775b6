//! The agreement: every member computes the same integers from a fixed set of reveals. Pure.

use std::collections::BTreeSet;

use openledger_protocol::{
    Hash32,
    allocate::{PPM, median_ppm},
    mmr,
};

use super::{
    observation::{Commitment, Reveal},
    wire::Published,
};
use crate::{encoding::name, membership::Committee, store::ObservationKey};

/// What the members agree on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// Elementwise median in parts per million. It sums to 1,000,000, or all scores are zero.
    pub scores: Vec<u64>,
    /// The observations that the median was taken from, in order of place.
    pub reveals: Vec<Reveal>,
    /// Root of the mountain range over the observations' [`Reveal::leaf`]. It is part of every payload that is built on
    /// the scores.
    pub observations_root: Hash32,
    /// Σ |own score − median| of this member, in parts per million. `None` if this member made no observation.
    pub own_distance_l1: Option<u64>,
}

impl Agreement {
    /// Σ |score − median| of an operator in the set, in parts per million. `None` if the operator is not in the set.
    pub fn distance(&self, operator: &Hash32) -> Option<u64> {
        self.reveals.iter().find(|r| r.operator == *operator).and_then(|r| l1(&r.scores, &self.scores))
    }
}

/// Why a set of reveals, or one reveal in it, does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AgreeError {
    /// Fewer than t members are in it.
    #[error("{have} of {need} needed members are in the set")]
    TooFew {
        /// Number of members in the set.
        have: usize,
        /// t.
        need: usize,
    },
    /// The operator is not in the committee, or is twice in the set.
    #[error("{} is not a member, or is twice in the set", name(.0))]
    Member(Hash32),
    /// The commitment is not signed by its operator.
    #[error("{} did not sign its commitment", name(.0))]
    Commitment(Hash32),
    /// The reveal is not signed by its operator.
    #[error("{} did not sign what is revealed", name(.0))]
    Signature(Hash32),
    /// The reveal differs from its commitment.
    #[error("{} revealed something else than it committed to", name(.0))]
    Mismatch(Hash32),
    /// Scores exceed 1,000,000, or the vectors of one set have different lengths or contexts.
    #[error("the scores of {} cannot be compared with the others'", name(.0))]
    Scores(Hash32),
}

/// Checks a set of commitments. There must be at least t, each signed by a different member.
pub fn check_commitments(
    committee: &Committee,
    key: &ObservationKey,
    commitments: &[Commitment],
) -> Result<(), AgreeError> {
    let mut seen = BTreeSet::new();
    for c in commitments {
        let member = committee.member(&c.operator).filter(|_| seen.insert(c.operator));
        if !c.is_by(member.ok_or(AgreeError::Member(c.operator))?, key) {
            return Err(AgreeError::Commitment(c.operator));
        }
    }
    enough(committee, seen.len())
}

/// Checks one reveal against the commitments that were shown before it.
pub fn check_reveal(
    committee: &Committee,
    key: &ObservationKey,
    commitments: &[Commitment],
    reveal: &Reveal,
) -> Result<(), AgreeError> {
    let operator = reveal.operator;
    let member = committee.member(&operator).ok_or(AgreeError::Member(operator))?;
    if !reveal.is_by(member, key) {
        return Err(AgreeError::Signature(operator));
    }
    let committed = commitments.iter().find(|c| c.operator == operator).ok_or(AgreeError::Mismatch(operator))?;
    if committed.commitment != reveal.commitment(key) {
        return Err(AgreeError::Mismatch(operator));
    }
    if in_ppm(&reveal.scores) { Ok(()) } else { Err(AgreeError::Scores(operator)) }
}

/// Whether each score is at most 1,000,000, and their sum too.
pub(crate) fn in_ppm(scores: &[u64]) -> bool {
    scores.iter().try_fold(0u64, |sum, s| sum.checked_add(*s)).is_some_and(|sum| sum <= PPM)
}

/// Checks a published set and takes its median. `own` are this member's scores, if it made an observation.
pub fn agree(
    committee: &Committee,
    key: &ObservationKey,
    published: &Published,
    own: Option<&[u64]>,
) -> Result<Agreement, AgreeError> {
    check_commitments(committee, key, &published.commitments)?;
    let mut seen = BTreeSet::new();
    for r in &published.reveals {
        check_reveal(committee, key, &published.commitments, r)?;
        if !seen.insert(r.operator) {
            return Err(AgreeError::Member(r.operator));
        }
        let first = &published.reveals[0];
        if (r.scores.len(), r.context) != (first.scores.len(), first.context) {
            return Err(AgreeError::Scores(r.operator));
        }
    }
    enough(committee, seen.len())?;
    let mut reveals = published.reveals.clone();
    reveals.sort_by_key(|r| committee.member(&r.operator).map(|m| m.place));
    let vectors: Vec<Vec<u64>> = reveals.iter().map(|r| r.scores.clone()).collect();
    let scores = median_ppm(&vectors).ok_or(AgreeError::TooFew { have: 0, need: committee.needed() })?;
    let leaves: Vec<Hash32> = reveals.iter().map(|r| r.leaf(key)).collect();
    Ok(Agreement {
        own_distance_l1: own.and_then(|own| l1(own, &scores)),
        observations_root: mmr::root_of(&leaves),
        scores,
        reveals,
    })
}

/// The reveals that can be in one set: those with the most common shape, which is a context and a length. If shapes are
/// equally common, the shape of the member with the lower place is taken. So a member with a vector of another shape
/// cannot spoil the set.
pub(crate) fn comparable(mut reveals: Vec<Reveal>, committee: &Committee) -> Vec<Reveal> {
    reveals.sort_by_key(|r| committee.member(&r.operator).map(|m| m.place));
    let shape = |r: &Reveal| (r.context, r.scores.len());
    let count = |s: (Hash32, usize)| reveals.iter().filter(|r| shape(r) == s).count();
    // `max_by_key` takes the last of equals, so the iteration goes backwards.
    let common = reveals.iter().rev().map(shape).max_by_key(|s| count(*s));
    reveals.into_iter().filter(|r| Some(shape(r)) == common).collect()
}

fn enough(committee: &Committee, have: usize) -> Result<(), AgreeError> {
    let need = committee.needed();
    if have >= need { Ok(()) } else { Err(AgreeError::TooFew { have, need }) }
}

/// Σ |a − b|. `None` if the lengths differ.
fn l1(a: &[u64], b: &[u64]) -> Option<u64> {
    (a.len() == b.len()).then(|| a.iter().zip(b).map(|(a, b)| a.abs_diff(*b)).sum())
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;

    use super::*;
    use crate::{membership::Member, observe::observation::Observation};

    const KEY: ObservationKey = ObservationKey { cluster: [9; 32], epoch: 1, subject: [8; 32], sequence: 3 };

    fn identity(n: u8) -> SigningKey {
        SigningKey::from_bytes(&[n; 32])
    }

    fn committee() -> Committee {
        let member = |place: u16| Member {
            place,
            wallet: [place as u8; 32],
            identity: identity(place as u8).verifying_key().to_bytes(),
            endpoint: String::new(),
        };
        Committee::new(1, 3, (1..=5).map(member).collect()).unwrap()
    }

    fn reveal(n: u8, scores: &[u64]) -> Reveal {
        Reveal::sign(&identity(n), &KEY, [n; 32], [7; 32], scores.to_vec(), [n + 100; 32])
    }

    fn published(reveals: Vec<Reveal>) -> Published {
        let commitments = reveals.iter().map(|r| Commitment::sign(&identity(r.operator[0]), &KEY, r)).collect();
        Published { subject: KEY.subject, sequence: KEY.sequence, commitments, reveals }
    }

    #[test]
    fn the_median_does_not_depend_on_the_order_and_sums_to_the_whole() {
        let reveals = vec![reveal(1, &[600_000, 400_000]), reveal(2, &[610_000, 390_000]), reveal(4, &[0, 1_000_000])];
        let a = agree(&committee(), &KEY, &published(reveals.clone()), Some(&[600_000, 400_000])).unwrap();
        let b = agree(&committee(), &KEY, &published(reveals.into_iter().rev().collect()), None).unwrap();
        assert_eq!((a.scores.clone(), a.observations_root), (b.scores, b.observations_root));
        assert_eq!(a.scores, [600_000, 400_000]);
        assert_eq!(a.own_distance_l1, Some(0));
        assert_eq!(a.distance(&[2; 32]), Some(20_000));
        assert_eq!(a.distance(&[4; 32]), Some(1_200_000));
        assert_eq!(a.distance(&[5; 32]), None);
    }

    #[test]
    fn a_set_of_fewer_than_the_threshold_or_with_a_member_twice_is_refused() {
        let two = published(vec![reveal(1, &[1]), reveal(2, &[1])]);
        assert_eq!(agree(&committee(), &KEY, &two, None), Err(AgreeError::TooFew { have: 2, need: 3 }));
        let twice = published(vec![reveal(1, &[1]), reveal(2, &[1]), reveal(2, &[1])]);
        assert_eq!(agree(&committee(), &KEY, &twice, None), Err(AgreeError::Member([2; 32])));
    }

    #[test]
    fn a_reveal_that_is_not_what_was_committed_to_is_refused() {
        let good = published(vec![reveal(1, &[1]), reveal(2, &[1]), reveal(3, &[1])]);
        let mut other = good.clone();
        other.reveals[1] = reveal(2, &[2]);
        assert_eq!(agree(&committee(), &KEY, &other, None), Err(AgreeError::Mismatch([2; 32])));
        let mut forged = good.clone();
        forged.reveals[1].scores = vec![2];
        assert_eq!(agree(&committee(), &KEY, &forged, None), Err(AgreeError::Signature([2; 32])));
        let mut unsigned = good;
        unsigned.commitments[0].commitment = [0; 32];
        assert_eq!(agree(&committee(), &KEY, &unsigned, None), Err(AgreeError::Commitment([1; 32])));
    }

    #[test]
    fn scores_beyond_the_whole_or_of_another_shape_are_refused() {
        let big = published(vec![reveal(1, &[1]), reveal(2, &[PPM + 1]), reveal(3, &[1])]);
        assert_eq!(agree(&committee(), &KEY, &big, None), Err(AgreeError::Scores([2; 32])));
        let overflow = published(vec![reveal(1, &[1]), reveal(2, &[u64::MAX, 2]), reveal(3, &[1])]);
        assert_eq!(agree(&committee(), &KEY, &overflow, None), Err(AgreeError::Scores([2; 32])));
        let longer = published(vec![reveal(1, &[1]), reveal(2, &[1, 1]), reveal(3, &[1])]);
        assert_eq!(agree(&committee(), &KEY, &longer, None), Err(AgreeError::Scores([2; 32])));
        let left = comparable(longer.reveals, &committee());
        assert_eq!(left.iter().map(|r| r.operator[0]).collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn two_observations_of_one_slot_differ_in_the_content_bytes_only() {
        let (a, b) = (reveal(1, &[1]).observation(&KEY), reveal(1, &[2]).observation(&KEY));
        assert_eq!(a.to_bytes()[..Observation::SLOT_LEN], b.to_bytes()[..Observation::SLOT_LEN]);
        assert_ne!(a.to_bytes(), b.to_bytes());
    }
}
