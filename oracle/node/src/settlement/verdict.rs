//! What the members' views decide: which answers count, and which payments wait. It is pure, so it is the same at every
//! member.
//!
//! A statement counts if at least t members make it. t is more than half of the members, so two statements that
//! contradict each other never both count. Fewer than t members decide nothing: a payment about which too few agree is
//! held over. A member signs only what does not contradict what it saw itself ([`Verdict::agrees`]).

use super::view::{Seen, View};
use openledger_protocol::Hash32;
use openledger_sdk::artifact::NoAnswer;
use std::collections::BTreeMap;

/// Largest distance of a receipt's weights from those that members worked out at which the receipt holds, in parts per
/// million.
///
/// Scores that another build worked out from the same index differed by at most 4.4 parts per million of their sizes
/// (`docs/benchmarks/band.md`). On one build they are equal. An operator that forges within the band moves at most half of
/// it: a ten-thousandth of the fees of its own answers. With t − 1 liars, and so few others that these are more than half,
/// it moves up to twice as much, because a member signs up to [`FARTHEST_SIGNED`].
pub const BAND_PPM: u64 = 200;

/// Largest distance that a member itself worked out of a receipt that it signs.
pub const FARTHEST_SIGNED: u64 = 2 * BAND_PPM;

/// Most settlements in which a payment is held over. After that it is divided by the training weights, if at least t
/// members see no answer that contradicts this. Otherwise it goes on waiting, and stops no other payment.
pub const MOST_HELD: u32 = 3;

/// What becomes of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// This answer's receipt divides it.
    Receipt {
        /// Hash of the answer.
        hash: Hash32,
        /// Median of the distances that members worked out, the upper one of an even number.
        distance: u64,
    },
    /// The training weights divide it.
    Training(NoAnswer),
    /// It waits for the next settlement.
    Held,
}

/// How many members must agree, of `revealed` that observed, when they are asked for the time number `attempt`.
///
/// It is t, and one more for every four times that they were asked in vain. Somebody who observes and then does not sign
/// could otherwise have the members agree for ever on what too few of them will sign.
///
/// With more than t, fewer than t liars can have payments held over that t honest members agree on. They come to that
/// only if four attempts were in vain in which these members were free to sign with each other: a member that is bound
/// to another payload stays at its attempt (`settle.rs`).
pub fn needed(threshold: usize, revealed: usize, attempt: u32) -> usize {
    (threshold + attempt as usize / 4).min(revealed.max(threshold))
}

/// The verdict on a payment that was held over `held` times before. `seen` is what the members see of its answer, and
/// `threshold` how many must agree. A verdict that fewer of them would sign is none: the payment is held over.
pub fn verdict(seen: &[Seen], threshold: usize, held: u32) -> Verdict {
    let decided = decide(seen, threshold, held);
    match seen.iter().filter(|own| decided.agrees(own)).count() >= threshold {
        true => decided,
        false => Verdict::Held,
    }
}

fn decide(seen: &[Seen], threshold: usize, held: u32) -> Verdict {
    let mut named = BTreeMap::<Hash32, Vec<Option<u64>>>::new();
    for own in seen {
        if let Seen::Answer { hash, distance } = own {
            named.entry(*hash).or_default().push(*distance);
        }
    }
    if let Some((hash, said)) = named.into_iter().find(|(_, said)| said.len() >= threshold) {
        let mut distances: Vec<u64> = said.into_iter().flatten().collect();
        distances.sort_unstable();
        if distances.len() >= threshold {
            // If t of those that worked it out are honest, the median is between honest distances, because they are more than
            // half. Otherwise it can be a lie. The upper one is less in favour of a forged receipt: half of the members
            // cannot vouch for it alone.
            let distance = distances[distances.len() / 2];
            return match distance <= BAND_PPM {
                true => Verdict::Receipt { hash, distance },
                false => Verdict::Training(NoAnswer::Weights),
            };
        }
    }
    if seen.iter().filter(|s| **s == Seen::None).count() >= threshold {
        return Verdict::Training(NoAnswer::Missing);
    }
    match held < MOST_HELD {
        true => Verdict::Held,
        false => Verdict::Training(NoAnswer::HeldTooOften),
    }
}

/// Whether a job's documents can be paid: at least t members have what that needs.
pub fn ready(views: &[View], job: usize, threshold: usize) -> bool {
    views.iter().filter(|v| v.jobs.get(job) == Some(&true)).count() >= threshold
}

impl Verdict {
    /// Whether a member that saw this itself may sign the verdict.
    ///
    /// It signs nothing about weights that it did not work out. So every signature under a settlement is that of a member
    /// that worked all of its answers out, and t − 1 liars and a member that believes them sign nothing.
    ///
    /// Distances of honest members differ a little. So a member also signs the verdict on the other side of the band if
    /// its own distance is near it: between half of the band and twice the band.
    pub fn agrees(&self, own: &Seen) -> bool {
        match (*self, *own) {
            (Self::Held, _) => true,
            (Self::Receipt { hash, .. }, Seen::Answer { hash: own, distance }) => {
                hash == own && distance.is_some_and(|d| d <= FARTHEST_SIGNED)
            }
            (Self::Receipt { .. }, Seen::None | Seen::Unknown) => false,
            (Self::Training(NoAnswer::Weights), Seen::Answer { distance, .. }) => {
                distance.is_some_and(|d| d >= BAND_PPM / 2)
            }
            (Self::Training(NoAnswer::HeldTooOften), Seen::Answer { distance, .. }) => {
                distance.is_none_or(|d| d > BAND_PPM)
            }
            (Self::Training(NoAnswer::Missing), Seen::Answer { .. }) => false,
            (Self::Training(_), seen) => seen == Seen::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const T: usize = 3;
    const TRUE: Hash32 = [1; 32];

    fn answer(hash: u8, distance: impl Into<Option<u64>>) -> Seen {
        Seen::Answer { hash: [hash; 32], distance: distance.into() }
    }

    #[test]
    fn an_answer_counts_if_enough_members_worked_its_weights_out() {
        let honest = |n: usize| vec![answer(1, 40); n];
        assert_eq!(verdict(&honest(3), T, 0), Verdict::Receipt { hash: TRUE, distance: 40 });
        assert_eq!(verdict(&honest(2), T, 0), Verdict::Held);
        let with = |seen: &[Seen]| verdict(&[&honest(2), seen].concat(), T, 0);
        assert_eq!(with(&[answer(1, None), Seen::None]), Verdict::Held, "only two worked it out");
        assert_eq!(with(&[answer(1, BAND_PPM + 1)]), Verdict::Receipt { hash: TRUE, distance: 40 });
        let forged = [answer(1, 9_000); 3];
        assert_eq!(verdict(&forged, T, 0), Verdict::Training(NoAnswer::Weights));
        assert_eq!(verdict(&[Seen::None; 3], T, 0), Verdict::Training(NoAnswer::Missing));
        assert_eq!(verdict(&[Seen::Unknown; 5], T, 0), Verdict::Held, "a failing store says nothing");
    }

    #[test]
    fn half_of_the_members_do_not_vouch_for_a_receipt_beyond_the_band() {
        let [lie, truth] = [answer(1, 0), answer(1, FARTHEST_SIGNED)];
        assert_eq!(verdict(&[lie, lie, truth, truth], T, 0), Verdict::Held);
        assert_eq!(verdict(&[lie, lie, truth, truth, truth], T, 0), Verdict::Training(NoAnswer::Weights));
        // More than half do. So t − 1 liars among fewer members move up to twice as much.
        assert!(matches!(verdict(&[lie, lie, truth], T, 0), Verdict::Receipt { .. }));
        // Nor do they deny one.
        let [lie, truth] = [answer(1, 2_000_000), answer(1, 0)];
        assert_eq!(verdict(&[lie, lie, truth, truth], T, 0), Verdict::Held);
        assert!(matches!(verdict(&[lie, lie, truth, truth, truth], T, 0), Verdict::Receipt { distance: 0, .. }));
    }

    #[test]
    fn a_verdict_that_too_few_would_sign_is_none() {
        // Two members are far from the receipt and two are at it, by rounding. Neither two are enough.
        let apart = [answer(1, 0), answer(1, 0), answer(1, 900_000), answer(1, 900_000)];
        assert_eq!(verdict(&apart, T, 0), Verdict::Held);
        // One of three says what the others say and does not sign. After some attempts all that observe must agree.
        let with_silent_liar = [answer(1, 0), answer(1, 0), answer(1, 0), Seen::Unknown];
        let at = |attempt| verdict(&with_silent_liar, needed(T, 4, attempt), 0);
        assert_eq!(at(0), Verdict::Receipt { hash: TRUE, distance: 0 });
        assert_eq!((at(3), at(4)), (at(0), Verdict::Held));
        assert_eq!((needed(3, 3, 9), needed(3, 5, 4), needed(3, 5, 15)), (3, 4, 5));
    }

    #[test]
    fn fewer_than_t_liars_hold_nothing_over_while_t_must_agree() {
        for lie in [Seen::None, Seen::Unknown, answer(2, 0), answer(1, None), answer(1, 900_000)] {
            let all = [answer(1, 0), answer(1, 0), answer(1, 0), lie, lie];
            for attempt in 0..4 {
                let decided = verdict(&all, needed(T, all.len(), attempt), 0);
                assert!(matches!(decided, Verdict::Receipt { hash: TRUE, .. }), "{lie:?} {attempt}: {decided:?}");
            }
        }
    }

    #[test]
    fn a_payment_is_not_held_over_for_ever() {
        let split = [answer(1, 0), answer(2, 0), Seen::None, Seen::Unknown, answer(1, None)];
        let verdicts: Vec<Verdict> = (0..=MOST_HELD).map(|held| verdict(&split, T, held)).collect();
        assert_eq!(verdicts[..3], [Verdict::Held; 3]);
        assert_eq!(verdicts[3], Verdict::Held, "two members that worked an answer out do not sign that");
        let split = [answer(1, None), answer(2, None), Seen::None, Seen::Unknown, answer(1, None)];
        assert_eq!(verdict(&split, T, MOST_HELD), Verdict::Training(NoAnswer::HeldTooOften));
        assert_eq!(verdict(&[Seen::Unknown; 5], T, MOST_HELD), Verdict::Held, "a failing store says nothing");
    }

    #[test]
    fn a_member_signs_what_it_saw_itself_and_a_little_beyond_the_band() {
        let holds = Verdict::Receipt { hash: TRUE, distance: 0 };
        let (forged, missing) = (Verdict::Training(NoAnswer::Weights), Verdict::Training(NoAnswer::Missing));
        for (own, signs) in [
            (answer(1, 0), [true, false, false]),
            (answer(1, BAND_PPM / 2), [true, true, false]),
            (answer(1, 2 * BAND_PPM), [true, true, false]),
            (answer(1, 2 * BAND_PPM + 1), [false, true, false]),
            (answer(2, 0), [false, false, false]),
            (answer(1, None), [false, false, false]),
            (Seen::None, [false, true, true]),
            (Seen::Unknown, [false, false, false]),
        ] {
            assert_eq!([holds, forged, missing].map(|v| v.agrees(&own)), signs, "{own:?}");
            assert!(Verdict::Held.agrees(&own));
        }
    }

    fn anything() -> impl Strategy<Value = Seen> {
        let distance = prop::option::of(0u64..4 * BAND_PPM);
        prop_oneof![
            Just(Seen::Unknown),
            Just(Seen::None),
            (1u8..4, distance).prop_map(|(hash, distance)| answer(hash, distance)),
        ]
    }

    proptest! {
        /// A3: whatever fewer than t members say, no honest member signs another division than the true one.
        #[test]
        fn no_lie_of_a_minority_is_signed_by_an_honest_member(
            lies in prop::collection::vec(anything(), T - 1), honest in 1usize..=3, drift in 0u64..BAND_PPM / 4,
            held in 0..=MOST_HELD, attempt in 0u32..16,
        ) {
            let own = answer(1, drift);
            let all = [lies, vec![own; honest]].concat();
            let decided = verdict(&all, needed(T, all.len(), attempt), held);
            let true_or_later = matches!(decided, Verdict::Held)
                || matches!(decided, Verdict::Receipt { hash: TRUE, .. });
            prop_assert!(true_or_later || !decided.agrees(&own), "{decided:?}");
            // With all honest members in the set, the answer counts whatever the others say, while t must agree.
            if honest == 3 && attempt < 4 {
                let counts = matches!(decided, Verdict::Receipt { hash: TRUE, .. });
                prop_assert!(counts && decided.agrees(&own));
            }
        }
    }
}
