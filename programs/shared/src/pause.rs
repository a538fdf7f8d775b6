//! How long a pause lasts: until the first slot that is not before `paused_until`. It ends by itself.

use crate::error::SharedError;
use anchor_lang::prelude::*;

/// Longest pause: about a week of 400 ms slots. A pause ends by itself, so that whoever may pause cannot freeze what
/// is not theirs.
pub const MAX_PAUSE_SLOTS: u64 = 1_512_000;

/// The `paused_until` to store where a pause until `until` is asked for in `slot`. A slot that is past ends the pause,
/// and the present one is stored as its end: deadlines that a pause moves are counted from there.
pub fn pause_until(until: u64, slot: u64) -> Result<u64> {
    require!(until <= slot.saturating_add(MAX_PAUSE_SLOTS), SharedError::PauseTooLong);
    Ok(until.max(slot))
}

/// Refuses while the program is paused: `paused_until` is the first slot in which it runs again.
pub fn require_running(paused_until: u64, slot: u64) -> Result<()> {
    require!(slot >= paused_until, SharedError::Paused);
    Ok(())
}

/// The present slot, unless the program is paused.
pub fn running(paused_until: u64) -> Result<u64> {
    let slot = Clock::get()?.slot;
    require_running(paused_until, slot)?;
    Ok(slot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_bounded_and_ends_by_itself() {
        assert_eq!(pause_until(10 + MAX_PAUSE_SLOTS, 10).unwrap(), 10 + MAX_PAUSE_SLOTS);
        assert!(pause_until(11 + MAX_PAUSE_SLOTS, 10).is_err());
        assert!(require_running(20, 19).is_err());
        require_running(20, 20).unwrap();
        require_running(0, 0).unwrap();
    }

    #[test]
    fn a_slot_that_is_past_ends_the_pause_in_the_present_one() {
        for until in [0, 9, 10] {
            assert_eq!(pause_until(until, 10).unwrap(), 10);
        }
        assert_eq!(pause_until(11, 10).unwrap(), 11);
    }
}
