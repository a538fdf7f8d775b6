//! The weight of locked OPEN in votes: `amount × time left / MAX_LOCK_SLOTS`. It falls to zero at the lock's end, so
//! that voters with much weight hold their OPEN long enough to bear the consequences.

use crate::{error::StakeError, events::VotesLocked, state::VoteLock};
use anchor_lang::prelude::*;
use openledger_shared::{checked::add, sequence};

/// Shortest time from now to the end of a new or extended lock: about a week of 400 ms slots.
pub const MIN_LOCK_SLOTS: u64 = 1_512_000;
/// Longest time from now to the end of a lock: about four years of 400 ms slots.
pub const MAX_LOCK_SLOTS: u64 = 315_576_000;

impl VoteLock {
    /// The weight in `slot`, in base units: rounded down, at most `amount`, and zero from the end on.
    pub fn weight_at(&self, slot: u64) -> u64 {
        let left = self.end_slot.saturating_sub(slot).min(MAX_LOCK_SLOTS);
        // At most `amount`, so it fits.
        (self.amount as u128 * left as u128 / MAX_LOCK_SLOTS as u128) as u64
    }

    /// The weight of this lock in a vote whose snapshot is of slot `snapshot`. It is zero if the lock was made or
    /// changed in that slot or later.
    pub fn weight_since(&self, snapshot: u64) -> u64 {
        if self.changed_slot < snapshot { self.weight_at(snapshot) } else { 0 }
    }
}

/// Refuses an end that is too near or too far from `slot`.
pub(crate) fn require_end(end_slot: u64, slot: u64) -> Result<()> {
    let left = end_slot.checked_sub(slot).ok_or(StakeError::BadLockEnd)?;
    require!((MIN_LOCK_SLOTS..=MAX_LOCK_SLOTS).contains(&left), StakeError::BadLockEnd);
    Ok(())
}

/// Adds `added` base units to the lock and to the total of all locks, stores the slot of the change, and returns its
/// event.
pub(crate) fn grow(lock: &mut Account<VoteLock>, total: &mut u64, added: u64, slot: u64) -> Result<VotesLocked> {
    lock.amount = add(lock.amount, added)?;
    *total = add(*total, added)?;
    lock.changed_slot = slot;
    Ok(VotesLocked {
        lock: lock.key(),
        sequence: sequence::take(&mut lock.sequence)?,
        owner: lock.owner,
        delegate: lock.delegate,
        added,
        amount: lock.amount,
        end_slot: lock.end_slot,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use openledger_shared::version::Version;
    use proptest::prelude::*;

    fn lock(amount: u64, end_slot: u64, changed_slot: u64) -> VoteLock {
        let owner = Pubkey::new_from_array([1; 32]);
        VoteLock {
            version: Version::CURRENT,
            bump: 0,
            owner,
            delegate: owner,
            amount,
            end_slot,
            changed_slot,
            sequence: 0,
        }
    }

    #[test]
    fn the_weight_falls_in_a_line_to_nothing() {
        let amount = 4_000_000_000;
        let full = lock(amount, 100 + MAX_LOCK_SLOTS, 100);
        assert_eq!(full.weight_at(100), amount);
        assert_eq!(full.weight_at(100 + MAX_LOCK_SLOTS / 2), amount / 2);
        assert_eq!(full.weight_at(100 + 3 * (MAX_LOCK_SLOTS / 4)), amount / 4);
        assert_eq!((full.weight_at(99 + MAX_LOCK_SLOTS), full.weight_at(100 + MAX_LOCK_SLOTS)), (12, 0));
        assert_eq!(full.weight_at(u64::MAX), 0);
        // In a slot before the lock was made, the weight is no more than the amount.
        assert_eq!(full.weight_at(0), amount);
        assert_eq!(lock(u64::MAX, u64::MAX, 0).weight_at(0), u64::MAX);
        assert_eq!(lock(0, 1_000, 0).weight_at(0), 0);
    }

    #[test]
    fn ends_are_neither_too_near_nor_too_far() {
        for (end, good) in [
            (9, false),
            (10, false),
            (9 + MIN_LOCK_SLOTS, false),
            (10 + MIN_LOCK_SLOTS, true),
            (10 + MAX_LOCK_SLOTS, true),
            (11 + MAX_LOCK_SLOTS, false),
            (u64::MAX, false),
        ] {
            assert_eq!(require_end(end, 10).is_ok(), good, "{end}");
        }
    }

    /// A naive model of the weight: `amount × time left / MAX_LOCK_SLOTS` by long division, bit by bit.
    fn naive(amount: u64, end: u64, slot: u64) -> u64 {
        let left = if end > slot { u128::from(end - slot) } else { 0 };
        let left = left.min(u128::from(MAX_LOCK_SLOTS));
        let (mut quotient, mut rest) = (0u128, 0u128);
        // Long division of amount × left by the longest time, adding `left` once for each bit of the amount.
        for bit in (0..64).rev() {
            quotient *= 2;
            rest *= 2;
            if amount >> bit & 1 == 1 {
                rest += left;
            }
            quotient += rest / u128::from(MAX_LOCK_SLOTS);
            rest %= u128::from(MAX_LOCK_SLOTS);
        }
        u64::try_from(quotient).unwrap()
    }

    proptest! {
        #[test]
        fn the_weight_is_that_of_the_naive_model_and_never_grows_by_waiting(
            amount in any::<u64>(), start in 0..u64::MAX / 2, length in 0..=MAX_LOCK_SLOTS, waits in any::<[u32; 2]>(),
        ) {
            let lock = lock(amount, start + length, start);
            let first = start + u64::from(waits[0]);
            let second = first + u64::from(waits[1]);
            prop_assert_eq!(lock.weight_at(first), naive(amount, start + length, first));
            prop_assert!(lock.weight_at(second) <= lock.weight_at(first));
            prop_assert!(lock.weight_at(first) <= amount);
            let snapshot = if start < first { lock.weight_at(first) } else { 0 };
            prop_assert_eq!(lock.weight_since(first), snapshot);
        }

        #[test]
        fn splitting_a_lock_gains_no_weight(parts in prop::collection::vec(any::<u32>(), 1..20), left in 0..=MAX_LOCK_SLOTS) {
            let whole = lock(parts.iter().map(|p| u64::from(*p)).sum(), left, 0).weight_at(0);
            let split: u64 = parts.iter().map(|p| lock(u64::from(*p), left, 0).weight_at(0)).sum();
            prop_assert!(split <= whole && whole - split < parts.len() as u64);
        }
    }
}
