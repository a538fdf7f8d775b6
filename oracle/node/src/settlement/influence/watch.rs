//! When to look for what others have published, and at whose logs.

use std::time::Duration;

/// How soon to look again at a walk that goes on.
const SHORT: Duration = Duration::from_millis(500);
/// How seldom to look at one that does not.
const LONG: Duration = Duration::from_secs(4);
/// Of so many looks, one is at everybody's logs: who has just started again, or passed over a dead member earlier than
/// this one did, may have walked out of turn.
const EVERYBODYS: u32 = 8;

/// Looks soon again where there was something new, and less and less often where not.
#[derive(Debug)]
pub(super) struct Watch {
    pause: Duration,
    looks: u32,
}

impl Default for Watch {
    fn default() -> Self {
        Self { pause: SHORT, looks: 0 }
    }
}

impl Watch {
    /// Of `order`, those at whose logs to look now; it is the turn of the one at `turn`.
    pub(super) fn look<'a, T>(&mut self, order: &'a [T], turn: usize) -> &'a [T] {
        let all = self.looks.is_multiple_of(EVERYBODYS);
        self.looks = self.looks.wrapping_add(1);
        if all { order } else { order.get(turn..=turn).unwrap_or_default() }
    }

    /// Something new was there.
    pub(super) fn news(&mut self) {
        self.pause = SHORT;
    }

    /// How long to wait for the next look.
    pub(super) fn pause(&mut self) -> Duration {
        let pause = self.pause;
        self.pause = (2 * pause).min(LONG);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_walkers_log_is_looked_at_and_everybodys_now_and_then() {
        let mut watch = Watch::default();
        let looks: Vec<usize> = (0..17).map(|_| watch.look(&[1, 2, 3], 1).len()).collect();
        assert_eq!(looks.iter().filter(|n| **n == 3).count(), 3);
        assert_eq!(looks[0], 3, "what there is already is found at once");
        assert_eq!(watch.look(&[1, 2, 3], 2), [3]);
        assert!(watch.look(&[0u8; 0], 0).is_empty());
    }

    #[test]
    fn a_walk_that_stands_still_is_looked_at_less_and_less_often() {
        let mut watch = Watch::default();
        let pauses: Vec<Duration> = (0..5).map(|_| watch.pause()).collect();
        assert_eq!(pauses, [SHORT, 2 * SHORT, 4 * SHORT, LONG, LONG]);
        watch.news();
        assert_eq!(watch.pause(), SHORT);
    }
}
