//! Caps on what slashes may take from a position or pool, and payments from the insurance vault, within a window of
//! slots.
//!
//! A window opens when something is first taken after the last window has ended. So up to twice the cap can be taken in
//! a short time: once at the end of one window, and once at the beginning of the next. A cap of c therefore bounds
//! every stretch of one window's length by 2c.

use crate::state::{MAX_BPS, Window};
use anchor_lang::prelude::*;
use openledger_shared::checked::add;

/// `bps` basis points of `amount`, rounded down.
pub fn part(amount: u64, bps: u16) -> u64 {
    // Basis points are at most 10,000, so the part is at most the whole.
    (u128::from(amount) * u128::from(bps.min(MAX_BPS)) / u128::from(MAX_BPS)) as u64
}

impl Window {
    /// How many base units may still be taken in `slot` from an account that holds `total` now. The cap is `cap_bps`
    /// basis points of the basis within `slots` slots. Opens a new window if the last one is over.
    ///
    /// The basis is what the account held when the window opened, plus what was added since. Otherwise an owner could
    /// open a window over almost nothing, and later additions would be safe until it ends.
    pub fn room(&mut self, total: u64, cap_bps: u16, slots: u64, slot: u64) -> u64 {
        if self.used == 0 || slot >= self.start_slot.saturating_add(slots) {
            *self = Self { start_slot: slot, basis: total, used: 0 };
        }
        self.basis = self.basis.max(total.saturating_add(self.used));
        part(self.basis, cap_bps).saturating_sub(self.used).min(total)
    }

    /// Counts `amount` base units as taken.
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
        // The next window's basis is what is left.
        assert_eq!(w.room(700, 3_000, 10, 110), 210);
    }

    #[test]
    fn what_is_added_counts_and_what_leaves_does_not_widen_the_room() {
        let mut w = Window::default();
        assert_eq!(w.room(10, 5_000, 10, 100), 5);
        w.take(5).unwrap();
        // The window opened over 10; then 1,000 were added. The room is half of the whole, less what was taken.
        assert_eq!(w.room(1_005, 5_000, 10, 101), 500);
        // After a withdrawal, the room is never more than there is.
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
