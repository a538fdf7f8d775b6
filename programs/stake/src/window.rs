//! Caps on what may be taken within a window of slots: of a position by slashes, of the insurance vault by payments.
//!
//! A window opens with the first taking after the last one has ended, so two caps may fall close together, one at the
//! end of a window and one at the beginning of the next: a cap of c bounds every stretch of one window's length by 2c.

use crate::state::{MAX_BPS, Window};
use anchor_lang::prelude::*;
use openledger_shared::checked::add;

/// `bps` basis points of `amount`, rounded down.
pub fn part(amount: u64, bps: u16) -> u64 {
    // Basis points are at most 10,000, so the part is at most the whole.
    (u128::from(amount) * u128::from(bps.min(MAX_BPS)) / u128::from(MAX_BPS)) as u64
}

impl Window {
    /// How much may still be taken in `slot` of what holds `total` now, at most `cap_bps` within `slots`. Opens a new
    /// window where the last one is over.
    ///
    /// The basis is what there was when the window opened. What is added meanwhile counts too: else one could open a
    /// window over next to nothing, and then be safe with much.
    pub fn room(&mut self, total: u64, cap_bps: u16, slots: u64, slot: u64) -> u64 {
        if self.used == 0 || slot >= self.start_slot.saturating_add(slots) {
            *self = Self { start_slot: slot, basis: total, used: 0 };
        }
        self.basis = self.basis.max(total.saturating_add(self.used));
        part(self.basis, cap_bps).saturating_sub(self.used).min(total)
    }

    /// Notes that `amount` was taken.
    pub fn take(&mut self, amount: u64) -> Result<()> {
        self.used = add(self.used, amount)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_rounded_down_and_never_more_than_the_whole() {
        assert_eq!((part(9_999, 1), part(10_000, 1), part(3, 5_000)), (0, 1, 1));
        assert_eq!((part(u64::MAX, 10_000), part(u64::MAX, u16::MAX), part(u64::MAX, 0)), (u64::MAX, u64::MAX, 0));
    }

    #[test]
    fn a_window_gives_its_cap_once() {
        let mut w = Window::default();
        assert_eq!(w.room(1_000, 3_000, 10, 100), 300);
        w.take(200).unwrap();
        assert_eq!(w.room(800, 3_000, 10, 109), 100);
        w.take(100).unwrap();
        assert_eq!((w.room(700, 3_000, 10, 109), w.start_slot), (0, 100));
        // The next window is of what is left.
        assert_eq!(w.room(700, 3_000, 10, 110), 210);
    }

    #[test]
    fn what_is_added_counts_and_what_leaves_does_not_widen_the_room() {
        let mut w = Window::default();
        assert_eq!(w.room(10, 5_000, 10, 100), 5);
        w.take(5).unwrap();
        // Opened over 10, then 1,000 added: half of all of it but for what was taken.
        assert_eq!(w.room(1_005, 5_000, 10, 101), 500);
        // Withdrawn again: never more than there is.
        assert_eq!(w.room(100, 5_000, 10, 102), 100);
        assert_eq!(w.room(0, 5_000, 10, 103), 0);
    }

    #[test]
    fn slots_and_sums_at_the_edges() {
        let mut w = Window { start_slot: u64::MAX - 1, basis: 8, used: 8 };
        assert_eq!(w.room(8, 10_000, u64::MAX, u64::MAX - 1), 8, "basis 16, 8 taken");
        assert!(Window { used: u64::MAX, ..w }.take(1).is_err());
        assert_eq!(Window { used: u64::MAX, ..w }.room(u64::MAX, 10_000, u64::MAX, 1), 0);
    }
}
