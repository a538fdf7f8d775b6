//! Until when a signed settlement is accepted.

use anyhow::{Result, ensure};

/// Length of a window, in slots: about an hour.
const WINDOW: u64 = 9_000;

/// By how many slots another member may be ahead: about seven minutes.
const AHEAD: u64 = 1_000;

/// The last slot in which a signed settlement is accepted. It is always the end of a window, that is a multiple of
/// 9,000 slots, so that members who look a few slots apart name the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry(u64);

impl Expiry {
    /// The expiry of a settlement that is proposed in `slot`: the end of the window after the present one. So one to
    /// two windows are left, whenever the epoch ended. A fleet that slept can still settle.
    pub fn at(slot: u64) -> Self {
        Self((slot / WINDOW).saturating_add(2).saturating_mul(WINDOW))
    }

    /// Accepts the expiry of a settlement that is signed in `slot`. Fails unless it is the end of a window, in the
    /// future, and no later than [`Expiry::at`] names for a member that is ahead by some slots.
    ///
    /// It bounds how long this member is bound by what it signs: two windows and those slots.
    pub fn accept(expiry_slot: u64, slot: u64) -> Result<Self> {
        ensure!(expiry_slot.is_multiple_of(WINDOW), "the expiry slot {expiry_slot} is no multiple of {WINDOW}");
        ensure!(expiry_slot > slot, "the expiry slot {expiry_slot} is past in slot {slot}");
        let last = Self::at(slot.saturating_add(AHEAD));
        ensure!(expiry_slot <= last.0, "the expiry slot {expiry_slot} is after {}, the last that is accepted", last.0);
        Ok(Self(expiry_slot))
    }

    /// The slot.
    pub fn slot(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_is_the_end_of_the_next_window() {
        for (slot, expiry) in [(0, 18_000), (8_999, 18_000), (9_000, 27_000), (17_999, 27_000), (18_000, 36_000)] {
            assert_eq!(Expiry::at(slot).slot(), expiry, "{slot}");
        }
    }

    #[test]
    fn a_member_accepts_only_ends_of_windows_that_are_near() {
        for (expiry, slot) in [(9_000, 8_999), (18_000, 0), (27_000, 8_000), (27_000, 8_999), (27_000, 9_000)] {
            assert_eq!(Expiry::accept(expiry, slot).unwrap().slot(), expiry);
        }
        for (expiry, slot) in
            [(0, 0), (9_000, 9_000), (27_000, 7_999), (36_000, 9_000), (18_001, 9_000), (17_999, 9_000)]
        {
            assert!(Expiry::accept(expiry, slot).is_err(), "{expiry} in {slot}");
        }
    }

    #[test]
    fn members_some_slots_apart_accept_one_another_at_every_border() {
        for slot in (8_900..9_100).chain(17_900..18_100) {
            for behind in [0, 1, 32, 150, AHEAD] {
                Expiry::accept(Expiry::at(slot).slot(), slot - behind).unwrap();
                Expiry::accept(Expiry::at(slot - behind).slot(), slot).unwrap();
            }
        }
    }

    #[test]
    fn a_fleet_that_slept_a_day_settles_with_a_new_expiry_and_not_with_the_old_one() {
        let (evening, morning) = (1_000_000, 1_000_000 + 216_000);
        let old = Expiry::at(evening).slot();
        assert!(Expiry::accept(old, morning).is_err());
        Expiry::accept(Expiry::at(morning).slot(), morning).unwrap();
    }
}
