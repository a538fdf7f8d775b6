//! What a verifier does next, by what it and the others have found so far.
//!
//! A verifier signs only when each segment holds by its own re-execution or by the word of whoever is in charge of the
//! segment. A dispute overrides every word: the verifier re-executes that segment itself. So as long as no verifier is
//! silent and all are honest, no forged segment gets an honest signature. A liar can pass only the segments that it is
//! itself in charge of, and never the first or the last.

use super::{dealing::Deal, word::Said};
use solana_pubkey::Pubkey;
use std::collections::{BTreeMap, BTreeSet};

/// The next thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Every segment holds.
    Sign,
    /// This segment is to be re-executed.
    Execute(usize),
    /// Nothing is to be done before these members have spoken.
    Wait(BTreeSet<Pubkey>),
    /// This verifier found that this segment does not hold.
    Refuse(usize),
}

/// What `me` does next. `own` is what it has found. `others` is what the other verifiers have said, and `silent` are
/// those that are not waited for any longer.
pub fn next(deal: &Deal, me: &Pubkey, own: &Said, others: &BTreeMap<Pubkey, Said>, silent: &BTreeSet<Pubkey>) -> Next {
    if let Some((segment, _)) = own.iter().find(|(_, holds)| !**holds) {
        return Next::Refuse(*segment);
    }
    let left = || (0..deal.segments()).filter(|s| !own.contains_key(s));
    let disputed = |segment: &usize| others.values().any(|said| said.get(segment) == Some(&false));
    if let Some(segment) = left().find(disputed) {
        return Next::Execute(segment);
    }
    let mut awaited = BTreeSet::new();
    for segment in left().filter(|s| !deal.order(*s).is_empty()) {
        match in_charge(deal.order(segment), segment, others, silent) {
            Some(Charge::Spoke) => {}
            Some(Charge::Owes(member)) if member == *me => return Next::Execute(segment),
            Some(Charge::Owes(member)) => _ = awaited.insert(member),
            // The caller is one of the verifiers and is not silent to itself. A caller that is none looks itself.
            None => return Next::Execute(segment),
        }
    }
    // Nobody waits for this verifier's word on the ends, so they come last.
    match left().find(|s| deal.order(*s).is_empty()) {
        Some(end) => Next::Execute(end),
        None if awaited.is_empty() => Next::Sign,
        None => Next::Wait(awaited),
    }
}

/// How many of a member's findings the others wait for: those of segments that it is in charge of, and those that somebody
/// else disputes, which it must re-execute first. It has as much patience again with each of them. Whatever else it finds
/// keeps nobody waiting, or one member could find a segment now and then until the job's deadline.
pub fn awaited_findings(
    deal: &Deal,
    member: &Pubkey,
    heard: &BTreeMap<Pubkey, Option<Said>>,
    silent: &BTreeSet<Pubkey>,
) -> Option<usize> {
    let said = heard.get(member)?.as_ref()?;
    let own = |segment: &usize| deal.order(*segment).iter().find(|m| !silent.contains(m)) == Some(member);
    let disputed = |segment: &usize| {
        let mut others = heard.iter().filter(|(other, _)| *other != member).filter_map(|(_, said)| said.as_ref());
        others.any(|said| said.get(segment) == Some(&false))
    };
    Some(said.keys().filter(|segment| own(segment) || disputed(segment)).count())
}

enum Charge {
    /// Whoever is in charge has said that the segment holds.
    Spoke,
    /// This member is in charge and has not spoken yet.
    Owes(Pubkey),
}

/// The first of `order` that has spoken or is not silent.
fn in_charge(
    order: &[Pubkey],
    segment: usize,
    others: &BTreeMap<Pubkey, Said>,
    silent: &BTreeSet<Pubkey>,
) -> Option<Charge> {
    order.iter().find_map(|member| {
        let spoke = others.get(member).is_some_and(|said| said.contains_key(&segment));
        match spoke {
            true => Some(Charge::Spoke),
            false if silent.contains(member) => None,
            false => Some(Charge::Owes(*member)),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wallets() -> Vec<Pubkey> {
        (0..5).map(|i| Pubkey::new_from_array([i + 1; 32])).collect()
    }

    /// The deal of 12 segments among four verifiers, with the verifiers. The first of them is the caller.
    fn case() -> (Deal, Vec<Pubkey>) {
        let members = wallets();
        (Deal::new(&[1; 32], &[2; 32], &members, &members[0], 1, 12), members[1..].to_vec())
    }

    fn all_hold() -> Said {
        (0..12).map(|s| (s, true)).collect()
    }

    /// Re-executes whatever is asked until something else is asked. Returns that, and what was re-executed.
    fn until_other(
        deal: &Deal,
        me: &Pubkey,
        others: &BTreeMap<Pubkey, Said>,
        silent: &BTreeSet<Pubkey>,
    ) -> (Next, Said) {
        let mut own = Said::new();
        loop {
            match next(deal, me, &own, others, silent) {
                Next::Execute(segment) => assert_eq!(own.insert(segment, true), None, "{segment} twice"),
                other => return (other, own),
            }
        }
    }

    #[test]
    fn a_verifier_does_its_share_and_the_ends_and_then_waits_for_the_others() {
        let (deal, verifiers) = case();
        let (then, own) = until_other(&deal, &verifiers[0], &BTreeMap::new(), &BTreeSet::new());
        assert_eq!(then, Next::Wait(verifiers[1..].iter().copied().collect()));
        assert!(own.contains_key(&0) && own.contains_key(&11) && (4..=5).contains(&own.len()), "{own:?}");
        let spoken = |m: &Pubkey| {
            let mine = (1..11).filter(|s| deal.order(*s)[0] == *m).map(|s| (s, true)).collect::<Said>();
            (*m, mine)
        };
        let words: BTreeMap<Pubkey, Said> = verifiers[1..].iter().map(spoken).collect();
        assert_eq!(next(&deal, &verifiers[0], &own, &words, &BTreeSet::new()), Next::Sign);
        let some = words.into_iter().skip(1).collect();
        assert_eq!(next(&deal, &verifiers[0], &own, &some, &BTreeSet::new()), Next::Wait([verifiers[1]].into()));
    }

    #[test]
    fn the_word_of_a_member_that_is_not_in_charge_counts_for_nothing() {
        let (deal, verifiers) = case();
        // A liar vouches for everything at once. The others are still waited for.
        let words = BTreeMap::from([(verifiers[3], all_hold())]);
        let (then, _) = until_other(&deal, &verifiers[0], &words, &BTreeSet::new());
        assert_eq!(then, Next::Wait([verifiers[1], verifiers[2]].into()));
    }

    #[test]
    fn the_segments_of_the_silent_fall_to_the_next_and_a_lone_verifier_does_all() {
        let (deal, verifiers) = case();
        let silent: BTreeSet<Pubkey> = verifiers[1..].iter().copied().collect();
        let (then, own) = until_other(&deal, &verifiers[0], &BTreeMap::new(), &silent);
        assert_eq!((then, own), (Next::Sign, all_hold()));
        // With one silent member, its segments are the duty of whoever is second there.
        let silent = BTreeSet::from([verifiers[1]]);
        for me in [verifiers[0], verifiers[2], verifiers[3]] {
            let (_, own) = until_other(&deal, &me, &BTreeMap::new(), &silent);
            let due = |s: &usize| deal.order(*s).iter().find(|m| **m != verifiers[1]).is_none_or(|m| *m == me);
            assert_eq!(own.keys().copied().collect::<Vec<_>>(), (0..12).filter(due).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_disputed_segment_is_re_executed_before_anything_else_whoever_vouched_for_it() {
        let (deal, verifiers) = case();
        let segment = (1..11).find(|s| deal.order(*s)[0] == verifiers[1]).unwrap();
        let mut words: BTreeMap<Pubkey, Said> = verifiers[1..].iter().map(|m| (*m, all_hold())).collect();
        words.get_mut(&verifiers[3]).unwrap().insert(segment, false);
        let mut own = Said::new();
        assert_eq!(next(&deal, &verifiers[0], &own, &words, &BTreeSet::new()), Next::Execute(segment));
        // A false dispute ends with this verifier's own finding. A true one ends in its refusal.
        own.insert(segment, true);
        assert_ne!(next(&deal, &verifiers[0], &own, &words, &BTreeSet::new()), Next::Execute(segment));
        own.insert(segment, false);
        assert_eq!(next(&deal, &verifiers[0], &own, &words, &BTreeSet::new()), Next::Refuse(segment));
    }

    #[test]
    fn a_silent_member_that_has_spoken_of_a_segment_is_believed_for_it() {
        let (deal, verifiers) = case();
        let words = BTreeMap::from([(verifiers[1], all_hold())]);
        let silent: BTreeSet<Pubkey> = verifiers[1..].iter().copied().collect();
        let (then, own) = until_other(&deal, &verifiers[0], &words, &silent);
        assert_eq!(then, Next::Sign);
        assert!(own.len() < 12, "what it vouched for was not done again");
    }

    #[test]
    fn only_findings_that_others_wait_for_earn_a_member_more_time() {
        let (deal, verifiers) = case();
        let [me, other, next, _] = verifiers[..] else { panic!("four verifiers") };
        let of = |member: Pubkey| (1..11).filter(|s| deal.order(*s)[0] == member).collect::<Vec<_>>();
        let (owned, others) = (of(other), of(next));
        let count = |said: &[usize], disputes: &[(Pubkey, usize)], silent: &[Pubkey]| {
            let mut heard = BTreeMap::from([(other, Some(said.iter().map(|s| (*s, true)).collect::<Said>()))]);
            for (author, segment) in disputes {
                heard.entry(*author).or_insert_with(|| Some(Said::new())).as_mut().unwrap().insert(*segment, false);
            }
            awaited_findings(&deal, &other, &heard, &silent.iter().copied().collect())
        };
        assert_eq!(count(&owned, &[], &[]), Some(owned.len()));
        assert_eq!(count(&[0, 11], &[], &[]), Some(0), "nobody waits for a word on the ends");
        assert_eq!(count(&others, &[], &[]), Some(0), "another is in charge");
        let after = others.iter().filter(|s| deal.order(**s)[1] == other).count();
        assert_eq!(count(&others, &[], &[next]), Some(after), "what falls to it when another is silent");
        assert_eq!(count(&others, &[(me, others[0])], &[]), Some(1), "a dispute must be looked at");
        assert_eq!(count(&[], &[(other, others[0])], &[]), Some(0), "its own dispute is its own affair");
        let dead = BTreeMap::from([(other, None)]);
        assert_eq!(awaited_findings(&deal, &other, &dead, &BTreeSet::new()), None);
    }

    #[test]
    fn few_segments_are_all_ends() {
        let members = wallets();
        for segments in 0..=2 {
            let deal = Deal::new(&[1; 32], &[2; 32], &members, &members[0], 1, segments);
            let (then, own) = until_other(&deal, &members[1], &BTreeMap::new(), &BTreeSet::new());
            assert_eq!((then, own.len()), (Next::Sign, segments));
        }
    }
}
