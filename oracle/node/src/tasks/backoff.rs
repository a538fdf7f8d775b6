//! Spaces out what fails again and again.

use solana_pubkey::Pubkey;
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// Time after the first failure. Each further failure doubles it.
const FIRST: Duration = Duration::from_secs(1);

/// The failures of one kind of work, by account.
#[derive(Debug)]
pub struct Backoff {
    most: Duration,
    failures: HashMap<Pubkey, (u32, Instant)>,
}

impl Backoff {
    /// Waits at most this long between two tries.
    pub fn new(most: Duration) -> Self {
        Self { most, failures: HashMap::new() }
    }

    /// Whether the work on this account may be tried at `now`.
    pub fn may_try(&self, address: &Pubkey, now: Instant) -> bool {
        let wait = |failures: u32| FIRST.saturating_mul(1 << (failures - 1).min(20)).min(self.most);
        self.failures.get(address).is_none_or(|(failures, last)| now >= *last + wait(*failures))
    }

    /// Counts a failure at `now`. Returns how many there were.
    pub fn failed(&mut self, address: &Pubkey, now: Instant) -> u32 {
        let (failures, last) = self.failures.entry(*address).or_insert((0, now));
        (*failures, *last) = (*failures + 1, now);
        *failures
    }

    /// How often the work on this account has failed.
    pub fn failures(&self, address: &Pubkey) -> u32 {
        self.failures.get(address).map_or(0, |(failures, _)| *failures)
    }

    /// Forgets the accounts that are over.
    pub fn retain(&mut self, needed: impl Fn(&Pubkey) -> bool) {
        self.failures.retain(|address, _| needed(address));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_doubles_the_time_to_the_next_try_up_to_the_most() {
        let (one, other) = (Pubkey::new_unique(), Pubkey::new_unique());
        let mut backoff = Backoff::new(Duration::from_secs(6));
        let begun = Instant::now();
        for wait in [1, 2, 4, 6, 6, 6] {
            assert!(backoff.may_try(&one, begun));
            backoff.failed(&one, begun);
            let after = |seconds: f64| backoff.may_try(&one, begun + Duration::from_secs_f64(seconds));
            assert!(!after(f64::from(wait) - 0.1) && after(f64::from(wait)), "{wait}");
            assert!(backoff.may_try(&other, begun), "another account is not held up");
            backoff.failures.get_mut(&one).unwrap().1 = begun - Duration::from_secs(10);
        }
        for _ in 0..100 {
            backoff.failed(&one, begun);
        }
        assert!(backoff.may_try(&one, begun + Duration::from_secs(6)));
        assert_eq!((backoff.failures(&one), backoff.failures(&other)), (106, 0));
        backoff.retain(|address| *address == other);
        assert!(backoff.may_try(&one, begun));
    }
}
