//! What a member has heard of the others' commitments, and what follows for the set that it seals. Pure.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use openledger_protocol::Hash32;

use super::{observation::Commitment, sets::CommitmentSet};
use crate::{membership::Committee, store::ObservationKey};

/// The commitments that a member has heard in one round.
#[derive(Default)]
pub struct Heard {
    /// The commitments of each member. Two that differ prove a lie.
    commitments: BTreeMap<Hash32, Vec<Commitment>>,
    /// How long ago the first commitment of each member was heard.
    ages: Vec<Duration>,
}

impl Heard {
    /// Adds a commitment that was heard `age` ago. Add the oldest first.
    pub fn commitment(&mut self, commitment: Commitment, age: Duration) {
        let of_member = self.commitments.entry(commitment.operator).or_default();
        if of_member.is_empty() {
            self.ages.push(age);
        }
        if of_member.iter().all(|c| c.commitment != commitment.commitment) {
            of_member.push(commitment);
        }
    }

    /// The only set that this member seals: all commitments that it has heard.
    pub fn set(&self) -> CommitmentSet {
        let (mut commitments, mut excluded) = (Vec::new(), Vec::new());
        for of_member in self.commitments.values() {
            match &of_member[..] {
                [one] => commitments.push(one.clone()),
                [first, second, ..] => excluded.push([first.clone(), second.clone()]),
                [] => {}
            }
        }
        CommitmentSet { commitments, excluded }
    }

    /// What `set` leaves out of what was heard. Hear the commitments of `set` first. Empty if they are the same set.
    pub fn lacks(&self, set: &CommitmentSet, key: &ObservationKey) -> Vec<Commitment> {
        if self.set().digest(key) == set.digest(key) {
            return vec![];
        }
        let known: BTreeSet<Hash32> =
            set.commitments.iter().chain(set.excluded.iter().flatten()).map(|c| c.commitment).collect();
        self.commitments.values().flatten().filter(|c| !known.contains(&c.commitment)).cloned().collect()
    }

    /// The members whose commitments are still to be waited for.
    ///
    /// It is nobody once t commitments have been heard for `window`. Before, it is everybody that lives and has not
    /// committed. A member that says that it cannot observe is waited for too: it may only be asked too early.
    pub fn awaited(&self, committee: &Committee, silent: impl Fn(&Hash32) -> bool, window: Duration) -> Vec<Hash32> {
        let nth = self.ages.get(committee.needed() - 1);
        if nth.is_some_and(|age| *age >= window) {
            return vec![];
        }
        let awaited = |w: &Hash32| !self.commitments.contains_key(w) && !silent(w);
        committee.members.iter().map(|m| m.wallet).filter(awaited).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::membership::Member;

    const KEY: ObservationKey = ObservationKey { cluster: [9; 32], epoch: 1, subject: [8; 32], sequence: 3 };
    const WINDOW: Duration = Duration::from_secs(20);

    fn commitment(member: u8, what: u8) -> Commitment {
        Commitment { operator: [member; 32], commitment: [what; 32], signature: [0; 64] }
    }

    fn committee() -> Committee {
        let member =
            |place: u16| Member { place, wallet: [place as u8; 32], identity: [0; 32], endpoint: String::new() };
        Committee { epoch: 1, threshold: 3, members: (1..=5).map(member).collect() }
    }

    fn heard(all: &[(u8, u8)]) -> Heard {
        let mut heard = Heard::default();
        for (member, what) in all {
            heard.commitment(commitment(*member, *what), Duration::from_secs(1));
        }
        heard
    }

    #[test]
    fn a_set_that_leaves_a_heard_commitment_out_is_told_so() {
        let heard = heard(&[(1, 1), (2, 2), (3, 3)]);
        assert!(heard.lacks(&heard.set(), &KEY).is_empty());
        let mut smaller = heard.set();
        smaller.commitments.remove(1);
        assert_eq!(heard.lacks(&smaller, &KEY), [commitment(2, 2)]);
    }

    #[test]
    fn a_member_with_two_commitments_is_excluded_in_any_order_of_hearing() {
        let one = heard(&[(1, 1), (2, 2), (2, 9), (2, 9), (3, 3)]);
        let other = heard(&[(3, 3), (2, 9), (1, 1), (2, 2)]);
        assert_eq!(one.set().digest(&KEY), other.set().digest(&KEY));
        assert_eq!(one.set().commitments, [commitment(1, 1), commitment(3, 3)]);
        assert_eq!(one.set().excluded, [[commitment(2, 2), commitment(2, 9)]]);
        // A member that has heard only one of the two is shown the other.
        assert_eq!(one.lacks(&heard(&[(1, 1), (2, 2), (3, 3)]).set(), &KEY), [commitment(2, 9)]);
    }

    #[test]
    fn all_that_live_are_awaited_until_the_window_after_the_threshold_is_over() {
        let silent = |w: &Hash32| *w == [5; 32];
        let three = heard(&[(1, 1), (2, 2), (3, 3)]);
        assert_eq!(three.awaited(&committee(), silent, WINDOW), [[4; 32]]);
        assert!(three.awaited(&committee(), silent, Duration::from_secs(1)).is_empty(), "the window is over");
        let two = heard(&[(1, 1), (2, 2)]);
        assert_eq!(two.awaited(&committee(), silent, Duration::ZERO), [[3; 32], [4; 32]], "there are too few");
    }
}
