//! Pauses. A pause lasts while the slot is before `paused_until`. It ends by itself.

use crate::error::SharedError;
use anchor_lang::prelude::*;

/// Longest pause: about a week of 400 ms slots. A pause ends by itself, so that whoever may pause cannot freeze other
/// people's tokens.
pub const MAX_PAUSE_SLOTS: u64 = 1_512_000;

/// The `paused_until` to store when a pause until `until` is requested in `slot`. Fails with `PauseTooLong` beyond
/// [`MAX_PAUSE_SLOTS`]. A past `until` ends the pause; the present slot is then stored as its end, because deadlines
/// that a pause moves are counted from the pause's end.
pub fn pause_until(until: u64, slot: u64) -> Result<u64> {
    require!(until <= slot.saturating_add(MAX_PAUSE_SLOTS), SharedError::PauseTooLong);
    Ok(until.max(slot))
}

/// Fails with `Paused` while the program is paused. `paused_until` is the first slot in which it runs again.
pub fn require_running(paused_until: u64, slot: u64) -> Result<()> {
    require!(slot >= paused_until, SharedError::Paused);
    Ok(())
}

/// The present slot. Fails with `Paused` while the program is paused.
pub fn slot_unless_paused(paused_until: u64) -> Result<u64> {
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
