//! Bounds how often this node sends what may never be accepted.

use anyhow::Error;
use solana_pubkey::Pubkey;
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// Most vain tries for one account in a row.
const MOST: u32 = 5;
/// How long an account rests after so many. A node that cannot be reached fails as often as a program that refuses, so
/// that nothing is given up for good.
const REST: Duration = Duration::from_secs(600);

/// Counts the vain tries to do one thing, by account.
#[derive(Debug, Default)]
pub struct Tries(HashMap<Pubkey, Vain>);

/// The vain tries for one account.
#[derive(Debug)]
struct Vain {
    tries: u32,
    last: Instant,
}

impl Tries {
    /// Whether this account may be tried now.
    pub fn may_try(&self, address: &Pubkey) -> bool {
        self.0.get(address).is_none_or(|vain| vain.tries < MOST || vain.last.elapsed() >= REST)
    }

    /// Counts a vain try to do `what`. The last one before a rest is a warning in the log.
    pub fn failed(&mut self, address: &Pubkey, what: &str, error: &Error) {
        let vain = self.0.entry(*address).or_insert(Vain { tries: 0, last: Instant::now() });
        if vain.tries >= MOST {
            vain.tries = 0;
        }
        (vain.tries, vain.last) = (vain.tries + 1, Instant::now());
        tracing::debug!(%address, tries = vain.tries, "could not {what} it: {error:#}");
        if vain.tries == MOST {
            tracing::warn!(%address, "could not {what} it, and this node tries again in ten minutes: {error:#}");
        }
    }

    /// Forgets the accounts that need no try any more.
    pub fn retain(&mut self, needed: impl Fn(&Pubkey) -> bool) {
        self.0.retain(|address, _| needed(address));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_five_times_rests_and_is_never_given_up() {
        let (one, other) = (Pubkey::new_unique(), Pubkey::new_unique());
        let mut tries = Tries::default();
        for _ in 0..3 {
            for _ in 0..MOST {
                assert!(tries.may_try(&one));
                tries.failed(&one, "release", &anyhow::anyhow!("no"));
            }
            assert!(!tries.may_try(&one) && tries.may_try(&other));
            let vain = tries.0.get_mut(&one).expect("was tried");
            vain.last = vain.last.checked_sub(REST).expect("this machine runs longer than a rest");
        }
        assert!(tries.may_try(&one));
        tries.failed(&one, "release", &anyhow::anyhow!("no"));
        tries.retain(|address| *address == other);
        assert!(tries.0.is_empty());
    }
}
