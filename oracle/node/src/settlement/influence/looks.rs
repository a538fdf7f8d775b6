//! When to look for what other members have published, and at whose logs.

use std::time::Duration;

/// Shortest pause between two looks, while a walk makes progress.
const SHORT: Duration = Duration::from_millis(500);
/// Longest pause between two looks, while a walk makes no progress.
const LONG: Duration = Duration::from_secs(4);
/// One of this many looks reads the logs of all members. A member may have walked out of turn: because it has just
/// started again, or because it passed over a dead member earlier than this one did.
const EVERYBODYS: u32 = 8;

/// Plans the looks. They are frequent while there is something new, and become rarer while there is not.
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
    /// The members of `order` whose logs to read now: the member at `turn`, and now and then all of them.
    pub fn look<'a, T>(&mut self, order: &'a [T], turn: usize) -> &'a [T] {
        let all = self.looks.is_multiple_of(EVERYBODYS);
        self.looks = self.looks.wrapping_add(1);
        if all { order } else { order.get(turn..=turn).unwrap_or_default() }
    }

    /// Notes that something new was there.
    pub fn news(&mut self) {
        self.pause = SHORT;
    }

    /// How long to wait before the next look. The pause doubles each time, up to a bound.
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
