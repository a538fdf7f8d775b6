//! Which of the other verifiers are not waited for any longer.

use solana_pubkey::Pubkey;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// How long other verifiers are waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Time for a member that does not answer at all.
    pub unreachable: Duration,
    /// Time for a member that answers and finds nothing new of what is waited for.
    pub idle: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { unreachable: Duration::from_secs(10), idle: Duration::from_secs(30) }
    }
}

/// Follows what the other verifiers say, by a clock that the caller reads.
///
/// A member is silent if it is waited for, and the caller's patience with it has ended. Whoever takes over from a
/// member that has just fallen silent has all of that patience too.
#[derive(Debug, Default)]
pub struct Silence {
    heard: BTreeMap<Pubkey, Heard>,
    silent: BTreeSet<Pubkey>,
    /// When a member fell silent last.
    fell: Duration,
}

#[derive(Debug, Default)]
struct Heard {
    /// When the member first did not answer since it last did.
    missed: Option<Duration>,
    /// When it last had a new finding that others wait for.
    spoke: Duration,
    findings: usize,
}

impl Silence {
    /// Notes that at `now` a member answered with this many findings that others wait for, or did not answer.
    ///
    /// A finding is counted once. So a member is waited for at most as many times [`Patience::idle`] as there are segments
    /// that it is in charge of or that others dispute, and once more for each member that falls silent.
    pub fn hear(&mut self, member: Pubkey, findings: Option<usize>, now: Duration) {
        let heard = self.heard.entry(member).or_default();
        let Some(findings) = findings else {
            heard.missed.get_or_insert(now);
            return;
        };
        heard.missed = None;
        if findings > heard.findings {
            (heard.findings, heard.spoke) = (findings, now);
        }
    }

    /// The members that were found silent so far.
    pub fn so_far(&self) -> &BTreeSet<Pubkey> {
        &self.silent
    }

    /// The members that are silent at `now`. Only those of `awaited` can fall silent. The clock starts at 0.
    pub fn silent(&mut self, awaited: &BTreeSet<Pubkey>, patience: Patience, now: Duration) -> &BTreeSet<Pubkey> {
        let fell = self.fell;
        let late = |member: &&Pubkey| {
            let Some(heard) = self.heard.get(*member) else { return false };
            let unreachable = heard.missed.is_some_and(|since| now > since + patience.unreachable);
            unreachable || now > heard.spoke.max(fell) + patience.idle
        };
        let late: Vec<Pubkey> = awaited.iter().filter(|m| !self.silent.contains(m)).filter(late).copied().collect();
        if !late.is_empty() {
            self.fell = now;
            self.silent.extend(late);
        }
        &self.silent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience { unreachable: Duration::from_secs(10), idle: Duration::from_secs(100) };

    fn members() -> (Pubkey, Pubkey, BTreeSet<Pubkey>) {
        let (a, b) = (Pubkey::new_from_array([1; 32]), Pubkey::new_from_array([2; 32]));
        (a, b, BTreeSet::from([a, b]))
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_member_that_does_not_answer_falls_silent_soon_and_one_at_work_does_not() {
        let (a, b, both) = members();
        let mut silence = Silence::default();
        for second in 0..=500 {
            silence.hear(a, None, at(second));
            silence.hear(b, Some(second as usize / 90), at(second));
            let silent = silence.silent(&both, PATIENCE, at(second)).clone();
            assert_eq!(silent, if second > 10 { BTreeSet::from([a]) } else { BTreeSet::new() }, "at {second}");
        }
    }

    #[test]
    fn a_member_that_misses_one_question_after_a_long_time_is_asked_again() {
        let (a, _, both) = members();
        let mut silence = Silence::default();
        silence.hear(a, Some(1), at(1));
        silence.hear(a, None, at(60));
        assert!(silence.silent(&both, PATIENCE, at(60)).is_empty());
        silence.hear(a, Some(1), at(65));
        silence.hear(a, None, at(80));
        assert!(silence.silent(&both, PATIENCE, at(90)).is_empty());
        assert_eq!(*silence.silent(&both, PATIENCE, at(91)), BTreeSet::from([a]));
    }

    #[test]
    fn a_member_that_finds_nothing_new_falls_silent_when_patience_ends() {
        let (a, b, both) = members();
        let mut silence = Silence::default();
        let mut hear = |second: u64| {
            silence.hear(a, Some(0), at(second));
            silence.hear(b, Some(usize::from(second >= 50)), at(second));
            silence.silent(&both, PATIENCE, at(second)).clone()
        };
        assert_eq!(hear(1), BTreeSet::new());
        assert_eq!(hear(50), BTreeSet::new());
        assert_eq!(hear(100), BTreeSet::new());
        assert_eq!(hear(101), BTreeSet::from([a]));
        // From then on whoever took over has the whole time.
        assert_eq!(hear(201), BTreeSet::from([a]));
        assert_eq!(hear(202), both);
    }

    #[test]
    fn nobody_falls_silent_who_is_not_waited_for() {
        let (a, _, _) = members();
        let mut silence = Silence::default();
        silence.hear(a, None, at(1));
        assert!(silence.silent(&BTreeSet::new(), PATIENCE, at(1_000)).is_empty());
    }
}
