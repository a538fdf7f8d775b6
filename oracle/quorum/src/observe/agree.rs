//! The agreement: every member computes the same integers from a closed set of reveals. Pure.

use openledger_protocol::{Hash32, allocate::lower_median, mmr};

use super::{
    error::AgreeError,
    observation::Reveal,
    sets::{check_endorsements, check_reveals, closing_digest, comparable, enough},
    wire::Published,
};
use crate::{membership::Committee, store::ObservationKey};

/// What the members agree on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// Elementwise lower median of the reveals.
    pub values: Vec<u64>,
    /// The observations that the median was taken from, in order of place.
    pub reveals: Vec<Reveal>,
    /// Root of the mountain range over the observations' [`Reveal::leaf`]. It is part of every payload that is built on
    /// the values.
    pub observations_root: Hash32,
    /// The values that this member observed. `None` if it made no observation. It may be of another length than the
    /// median.
    pub own: Option<Vec<u64>>,
}

impl Agreement {
    /// Σ |value − median| of an operator among the reveals, at most `u64::MAX`. `None` if the operator is not among
    /// them.
    pub fn distance(&self, operator: &Hash32) -> Option<u64> {
        let reveal = self.reveals.iter().find(|r| r.operator == *operator)?;
        let apart = reveal.values.iter().zip(&self.values).map(|(a, b)| a.abs_diff(*b));
        Some(apart.fold(0, u64::saturating_add))
    }
}

/// Checks a published set and takes its median. `own` are this member's values, if it made an observation.
pub fn agree(
    committee: &Committee,
    key: &ObservationKey,
    published: &Published,
    own: Option<Vec<u64>>,
) -> Result<Agreement, AgreeError> {
    let set = &published.sealed.set;
    published.sealed.check(committee, key)?;
    check_reveals(committee, key, set, &published.reveals)?;
    check_endorsements(committee, &closing_digest(key, set, &published.reveals), &published.closings)?;
    let mut reveals: Vec<Reveal> = comparable(&published.reveals).into_iter().cloned().collect();
    enough(committee, reveals.len())?;
    reveals.sort_by_key(|r| committee.member(&r.operator).map(|m| m.place));
    let vectors: Vec<&[u64]> = reveals.iter().map(|r| &r.values[..]).collect();
    let values = lower_median(&vectors).ok_or(AgreeError::TooFew { have: 0, need: committee.needed() })?;
    let leaves: Vec<Hash32> = reveals.iter().map(|r| r.leaf(key)).collect();
    Ok(Agreement { observations_root: mmr::root_of(&leaves), values, reveals, own })
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;

    use super::*;
    use crate::{
        membership::Member,
        observe::{
            observation::{Commitment, Observation},
            sets::{CommitmentSet, Endorsement, SealedSet},
        },
    };

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

    fn reveal(n: u8, values: &[u64]) -> Reveal {
        Reveal::sign(&identity(n), &KEY, [n; 32], values.to_vec(), [n + 100; 32])
    }

    fn commitment(reveal: &Reveal) -> Commitment {
        Commitment::sign(&identity(reveal.operator[0]), &KEY, reveal)
    }

    fn endorsed(digest: &Hash32, by: &[u8]) -> Vec<Endorsement> {
        by.iter().map(|n| Endorsement::sign(&identity(*n), [*n; 32], digest)).collect()
    }

    fn published(reveals: Vec<Reveal>) -> Published {
        let set = CommitmentSet { commitments: reveals.iter().map(commitment).collect(), excluded: vec![] };
        closed(set, reveals)
    }

    fn closed(set: CommitmentSet, reveals: Vec<Reveal>) -> Published {
        let closings = endorsed(&closing_digest(&KEY, &set, &reveals), &[1, 3, 5]);
        let seals = endorsed(&set.digest(&KEY), &[1, 2, 3]);
        Published { subject: KEY.subject, sequence: KEY.sequence, sealed: SealedSet { set, seals }, reveals, closings }
    }

    fn agreed(published: &Published) -> Result<Agreement, AgreeError> {
        agree(&committee(), &KEY, published, None)
    }

    #[test]
    fn the_median_is_elementwise_lower_and_plain() {
        let reveals = vec![reveal(1, &[6, u64::MAX]), reveal(2, &[7, 3]), reveal(4, &[0, 1]), reveal(5, &[9, 2])];
        let agreement = agree(&committee(), &KEY, &published(reveals), Some(vec![1])).unwrap();
        assert_eq!(agreement.values, [6, 2], "nothing is scaled, and any value may stand there");
        assert_eq!(agreement.own, Some(vec![1]));
        assert_eq!(agreement.distance(&[2; 32]), Some(2));
        assert_eq!(agreement.distance(&[1; 32]), Some(u64::MAX - 2));
        assert_eq!(agreement.distance(&[3; 32]), None);
    }

    #[test]
    fn a_set_of_fewer_than_the_threshold_or_with_a_member_twice_is_refused() {
        let two = published(vec![reveal(1, &[1]), reveal(2, &[1])]);
        assert_eq!(agreed(&two), Err(AgreeError::TooFew { have: 2, need: 3 }));
        let twice = published(vec![reveal(1, &[1]), reveal(2, &[1]), reveal(2, &[1])]);
        assert_eq!(agreed(&twice), Err(AgreeError::Member([2; 32])));
        let mut revealed_twice = published(vec![reveal(1, &[1]), reveal(2, &[1]), reveal(3, &[1])]);
        revealed_twice.reveals.insert(1, reveal(2, &[1]));
        revealed_twice.reveals.remove(0);
        assert_eq!(agreed(&revealed_twice), Err(AgreeError::Member([2; 32])));
    }

    #[test]
    fn a_reveal_that_is_not_what_was_committed_to_is_refused() {
        let good = published(vec![reveal(1, &[1]), reveal(2, &[1]), reveal(3, &[1])]);
        assert!(agreed(&good).is_ok());
        let set = good.sealed.set.clone();
        let other = closed(set.clone(), vec![reveal(1, &[1]), reveal(2, &[2]), reveal(3, &[1])]);
        assert_eq!(agreed(&other), Err(AgreeError::Mismatch([2; 32])));
        let mut forged = good.clone();
        forged.reveals[1].values = vec![2];
        assert_eq!(agreed(&forged), Err(AgreeError::Signature([2; 32])));
        let mut unsigned = good.clone();
        unsigned.sealed.set.commitments[0].commitment = [0; 32];
        assert_eq!(agreed(&unsigned), Err(AgreeError::Commitment([1; 32])));
        let uncommitted = closed(set, vec![reveal(1, &[1]), reveal(3, &[1]), reveal(4, &[1])]);
        assert_eq!(agreed(&uncommitted), Err(AgreeError::Mismatch([4; 32])));
    }

    #[test]
    fn seals_and_closings_must_be_by_t_members_over_exactly_this_set() {
        let good = published(vec![reveal(1, &[1]), reveal(2, &[1]), reveal(3, &[1]), reveal(4, &[2])]);
        let two_seals = {
            let mut p = good.clone();
            p.sealed.seals.pop();
            p
        };
        assert_eq!(agreed(&two_seals), Err(AgreeError::TooFew { have: 2, need: 3 }));
        let mut twice = good.clone();
        twice.sealed.seals[2] = twice.sealed.seals[1].clone();
        assert_eq!(agreed(&twice), Err(AgreeError::Member([2; 32])));
        let mut forged = good.clone();
        forged.sealed.seals[2] = Endorsement { operator: [3; 32], ..forged.sealed.seals[0].clone() };
        assert_eq!(agreed(&forged), Err(AgreeError::Endorsement([3; 32])));
        let mut swapped = good.clone();
        swapped.closings = swapped.sealed.seals.clone();
        assert_eq!(agreed(&swapped), Err(AgreeError::Endorsement([1; 32])), "a seal is no closing");
        let mut left_out = good;
        left_out.reveals.remove(0);
        assert_eq!(agreed(&left_out), Err(AgreeError::Endorsement([1; 32])), "it was closed with four reveals");
    }

    #[test]
    fn a_vector_of_another_length_does_not_count_and_the_others_do() {
        let odd = published(vec![reveal(1, &[1]), reveal(2, &[1, 1]), reveal(3, &[3]), reveal(4, &[5])]);
        let agreement = agreed(&odd).unwrap();
        assert_eq!(agreement.reveals.iter().map(|r| r.operator[0]).collect::<Vec<_>>(), [1, 3, 4]);
        assert_eq!(agreement.values, [3]);
        let few = published(vec![reveal(1, &[1]), reveal(2, &[1, 1]), reveal(3, &[3])]);
        assert_eq!(agreed(&few), Err(AgreeError::TooFew { have: 2, need: 3 }));
    }

    #[test]
    fn a_member_is_excluded_for_two_different_commitments_of_its_own_only() {
        let reveals = vec![reveal(1, &[1]), reveal(2, &[1]), reveal(3, &[1])];
        let commitments: Vec<_> = reveals.iter().map(commitment).collect();
        let (a, b) = (commitment(&reveal(4, &[1])), commitment(&reveal(4, &[2])));
        let with = |excluded: Vec<[Commitment; 2]>| {
            agreed(&closed(CommitmentSet { commitments: commitments.clone(), excluded }, reveals.clone()))
        };
        assert!(with(vec![[a.clone(), b.clone()]]).is_ok());
        assert_eq!(with(vec![[a.clone(), a.clone()]]), Err(AgreeError::Excluded([4; 32])));
        let forged = Commitment { commitment: [7; 32], ..b };
        assert_eq!(with(vec![[a.clone(), forged]]), Err(AgreeError::Commitment([4; 32])));
        let counted = commitment(&reveal(1, &[2]));
        assert_eq!(with(vec![[commitments[0].clone(), counted]]), Err(AgreeError::Member([1; 32])));
    }

    #[test]
    fn two_observations_of_one_slot_differ_in_the_content_bytes_only() {
        let (a, b) = (reveal(1, &[1]).observation(&KEY), reveal(1, &[2]).observation(&KEY));
        assert_eq!(a.to_bytes()[..Observation::SLOT_LEN], b.to_bytes()[..Observation::SLOT_LEN]);
        assert_ne!(a.to_bytes(), b.to_bytes());
    }
}
