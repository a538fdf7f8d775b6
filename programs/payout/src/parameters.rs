//! The parameters that the authority may change at once, and their bounds.
//!
//! The bounds are fixed in the program. So even a compromised authority cannot make challenges impossible, hold prepaid
//! OPEN back, or stop claims for good.

use crate::error::PayoutError;
use anchor_lang::prelude::*;

/// Upper bound of `epoch_slots`: about 30 days of 400 ms slots.
pub const MAX_EPOCH_SLOTS: u64 = 6_480_000;
/// Longest delay of a withdrawal from a prepaid balance: about a week.
pub const MAX_WITHDRAWAL_SLOTS: u64 = 1_512_000;
/// Longest window of the circuit breaker: about a week.
pub const MAX_BREAKER_SLOTS: u64 = 1_512_000;
/// Least cap of the circuit breaker: one OPEN.
pub const MIN_BREAKER_CAP: u64 = 1_000_000_000;
/// Largest bond of a settlement's first challenge: 100,000 OPEN.
pub const MAX_CHALLENGE_BOND: u64 = 100_000 * 1_000_000_000;
/// Most challenges of one posted settlement, one after another. Each costs twice the bond of the previous one.
pub const MAX_CHALLENGES: u8 = 3;

/// The parameters that change at once. (Fees change at the edge of an epoch: [`crate::state::Config::next_fees`].)
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// Least number of slots of an epoch.
    pub epoch_slots: u64,
    /// Challenge window: slots between posting and activation of a settlement.
    pub challenge_slots: u64,
    /// Slots that the authority has to resolve a challenge.
    pub resolve_slots: u64,
    /// Bond of a settlement's first challenge, in base units.
    pub challenge_bond: u64,
    /// Slots between the request for a withdrawal of prepaid OPEN and the withdrawal. It should be longer than the
    /// committee takes to attest a debit.
    pub withdrawal_slots: u64,
    /// Circuit breaker: most base units that may leave one shard at once (see [`crate::breaker`]).
    pub breaker_cap: u64,
    /// Circuit breaker: slots in which a full bucket drains.
    pub breaker_slots: u64,
}

impl Parameters {
    /// Checks the bounds, given the stake program's `unbond_slots`.
    pub fn validate(&self, unbond_slots: u64) -> Result<()> {
        let within = |slots: u64, most: u64| (1..=most).contains(&slots);
        // An operator that attested a settlement must not be able to withdraw its stake before that settlement is
        // final.
        let frozen = self.resolve_slots.checked_mul(MAX_CHALLENGES.into());
        let last = frozen.and_then(|frozen| frozen.checked_add(self.challenge_slots)).unwrap_or(u64::MAX);
        require!(
            within(self.epoch_slots, MAX_EPOCH_SLOTS)
                && self.challenge_slots > 0
                && self.resolve_slots > 0
                && last < unbond_slots
                && within(self.withdrawal_slots, MAX_WITHDRAWAL_SLOTS),
            PayoutError::BadWindows
        );
        require!(within(self.challenge_bond, MAX_CHALLENGE_BOND), PayoutError::BadBond);
        require!(
            within(self.breaker_slots, MAX_BREAKER_SLOTS)
                && self.breaker_cap >= self.breaker_slots.max(MIN_BREAKER_CAP),
            PayoutError::BadBreaker
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Parameters = Parameters {
        epoch_slots: 100,
        challenge_slots: 50,
        resolve_slots: 100,
        challenge_bond: 7,
        withdrawal_slots: 60,
        breaker_cap: MIN_BREAKER_CAP,
        breaker_slots: 200,
    };

    #[test]
    fn every_bound_holds_at_its_edge_and_not_behind_it() {
        GOOD.validate(351).unwrap();
        for (good, bad) in [
            (
                Parameters { epoch_slots: MAX_EPOCH_SLOTS, ..GOOD },
                Parameters { epoch_slots: MAX_EPOCH_SLOTS + 1, ..GOOD },
            ),
            (Parameters { epoch_slots: 1, ..GOOD }, Parameters { epoch_slots: 0, ..GOOD }),
            (Parameters { challenge_slots: 1, ..GOOD }, Parameters { challenge_slots: 0, ..GOOD }),
            (GOOD, Parameters { challenge_slots: 51, ..GOOD }),
            (Parameters { resolve_slots: 1, ..GOOD }, Parameters { resolve_slots: 0, ..GOOD }),
            (GOOD, Parameters { resolve_slots: 101, ..GOOD }),
            (GOOD, Parameters { resolve_slots: u64::MAX, ..GOOD }),
            (Parameters { challenge_bond: 1, ..GOOD }, Parameters { challenge_bond: 0, ..GOOD }),
            (
                Parameters { challenge_bond: MAX_CHALLENGE_BOND, ..GOOD },
                Parameters { challenge_bond: MAX_CHALLENGE_BOND + 1, ..GOOD },
            ),
            (Parameters { withdrawal_slots: 1, ..GOOD }, Parameters { withdrawal_slots: 0, ..GOOD }),
            (
                Parameters { withdrawal_slots: MAX_WITHDRAWAL_SLOTS, ..GOOD },
                Parameters { withdrawal_slots: MAX_WITHDRAWAL_SLOTS + 1, ..GOOD },
            ),
            (Parameters { breaker_slots: 1, ..GOOD }, Parameters { breaker_slots: 0, ..GOOD }),
            (
                Parameters { breaker_slots: MAX_BREAKER_SLOTS, ..GOOD },
                Parameters { breaker_slots: MAX_BREAKER_SLOTS + 1, ..GOOD },
            ),
            (GOOD, Parameters { breaker_cap: MIN_BREAKER_CAP - 1, ..GOOD }),
        ] {
            good.validate(351).unwrap();
            assert!(bad.validate(351).is_err(), "{bad:?}");
        }
        assert!(GOOD.validate(350).is_err(), "stake must outlast every challenge");
    }
}
