//! Bounds how often this node sends what may never be accepted.

use anyhow::Error;
use solana_pubkey::Pubkey;
use std::collections::HashMap;

/// Most vain tries for one account.
const MOST: u32 = 5;

/// Counts the vain tries to do one thing, by account.
#[derive(Debug, Default)]
pub struct Tries(HashMap<Pubkey, u32>);

impl Tries {
    /// Whether there is a try left for this account.
    pub fn may_try(&self, address: &Pubkey) -> bool {
        self.0.get(address).is_none_or(|tries| *tries < MOST)
    }

    /// Counts a vain try to do `what`. The last one is a warning in the log.
    pub fn failed(&mut self, address: &Pubkey, what: &str, error: &Error) {
        let tries = self.0.entry(*address).or_default();
        *tries += 1;
        tracing::debug!(%address, tries, "could not {what} it: {error:#}");
        if *tries == MOST {
            tracing::warn!(%address, "could not {what} it, and this node tries no more: {error:#}");
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
    fn what_fails_again_and_again_is_tried_five_times_until_it_was_not_needed() {
        let (one, other) = (Pubkey::new_unique(), Pubkey::new_unique());
        let mut tries = Tries::default();
        for _ in 0..MOST {
            assert!(tries.may_try(&one));
            tries.failed(&one, "release", &anyhow::anyhow!("no"));
        }
        assert!(!tries.may_try(&one) && tries.may_try(&other));
        tries.retain(|address| *address == one);
        assert!(!tries.may_try(&one));
        tries.retain(|address| *address == other);
        assert!(tries.may_try(&one));
    }
}
