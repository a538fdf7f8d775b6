//! How long a slot lasts, as this node sees it.

use std::time::{Duration, Instant};

/// Length of a slot as long as too few were seen.
const USUAL: Duration = Duration::from_millis(400);
/// Fewest slots from which their length is measured.
const LEAST: u64 = 100;

/// Measures the length of slots from the first one that it is told of.
#[derive(Debug, Default)]
pub struct SlotClock {
    first: Option<(u64, Instant)>,
    slot: Option<Duration>,
}

impl SlotClock {
    /// Notes that it is `slot` at `now`.
    pub fn see(&mut self, slot: u64, now: Instant) {
        let (first, begun) = *self.first.get_or_insert((slot, now));
        let (slots, time) = (slot.saturating_sub(first), now - begun);
        if slots >= LEAST {
            self.slot = Some(time.div_f64(slots as f64));
        }
    }

    /// About how long so many slots last.
    pub fn time(&self, slots: u64) -> Duration {
        let seconds = self.slot.unwrap_or(USUAL).as_secs_f64() * slots as f64;
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_slot_is_measured_when_enough_were_seen() {
        let (mut clock, begun) = (SlotClock::default(), Instant::now());
        clock.see(1_000, begun);
        clock.see(1_099, begun + Duration::from_secs(500));
        assert_eq!(clock.time(1_000), Duration::from_secs(400));
        clock.see(1_200, begun + Duration::from_secs(20));
        assert_eq!(clock.time(1_000), Duration::from_secs(100));
        assert_eq!(clock.time(u64::MAX).as_secs(), (0.1 * u64::MAX as f64) as u64);
    }
}
