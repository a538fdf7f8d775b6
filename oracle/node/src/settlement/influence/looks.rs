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
pub struct Looks {
    pause: Duration,
    looks: u32,
}

impl Default for Looks {
    fn default() -> Self {
        Self { pause: SHORT, looks: 0 }
    }
}

impl Looks {
    /// Of `order`, those at whose logs to look now; it is the turn of the one at `turn`.
    pub fn look<'a, T>(&mut self, order: &'a [T], turn: usize) -> &'a [T] {
        let all = self.looks.is_multiple_of(EVERYBODYS);
        self.looks = self.looks.wrapping_add(1);
        if all { order } else { order.get(turn..=turn).unwrap_or_default() }
    }

    /// Something new was there.
    pub fn news(&mut self) {
        self.pause = SHORT;
    }

    /// How long to wait for the next look.
    pub fn pause(&mut self) -> Duration {
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
        let mut looks = Looks::default();
        let seen: Vec<usize> = (0..17).map(|_| looks.look(&[1, 2, 3], 1).len()).collect();
        assert_eq!(seen.iter().filter(|n| **n == 3).count(), 3);
        assert_eq!(seen[0], 3, "what there is already is found at once");
        assert_eq!(looks.look(&[1, 2, 3], 2), [3]);
        assert!(looks.look(&[0u8; 0], 0).is_empty());
    }

    #[test]
    fn a_walk_that_stands_still_is_looked_at_less_and_less_often() {
        let mut looks = Looks::default();
        let pauses: Vec<Duration> = (0..5).map(|_| looks.pause()).collect();
        assert_eq!(pauses, [SHORT, 2 * SHORT, 4 * SHORT, LONG, LONG]);
        looks.news();
        assert_eq!(looks.pause(), SHORT);
    }
}
