//! How far the events were looked at for what they name.

use std::time::{Duration, Instant};

/// Least and most time between two looks.
const LEAST: Duration = Duration::from_millis(100);
const MOST: Duration = Duration::from_secs(3);

/// How far the events were looked at.
#[derive(Debug, Default)]
pub struct Seen {
    /// Number of the last event.
    pub event: i64,
    /// The last look that was ended.
    pub last: Option<Look>,
    /// Whether the last look was not ended.
    pub unfinished: bool,
    /// Whether the last look left something unopened, so that it is not known what that names.
    pub cut: bool,
}

/// A look at the events.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// When it began.
    pub at: Instant,
    /// How long it took.
    pub took: Duration,
}

impl Look {
    /// How long the next look should still wait.
    pub fn rest(&self) -> Duration {
        pause(self.took).saturating_sub((self.at + self.took).elapsed())
    }
}

/// How much time lies between the end of a look that `took` so long and the beginning of the next. So looks take at most half
/// of the time, and nobody keeps the database busy with them. Only those that take more than 3 seconds take more. A panel has
/// seconds to read what was just handed in, and waits for a look.
fn pause(took: Duration) -> Duration {
    took.clamp(LEAST, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_is_as_long_as_the_look_within_its_bounds_and_begins_at_its_end() {
        let milliseconds = Duration::from_millis;
        assert_eq!(pause(milliseconds(0)), LEAST);
        assert_eq!(pause(milliseconds(1_000)), milliseconds(1_000));
        assert_eq!(pause(milliseconds(9_000)), MOST);
        let ended_now = |took| Look { at: Instant::now().checked_sub(took).expect("a time"), took };
        assert!(ended_now(milliseconds(1_000)).rest() > milliseconds(700));
        let long_ago = Look { at: Instant::now().checked_sub(milliseconds(900)).expect("a time"), took: LEAST / 10 };
        assert_eq!(long_ago.rest(), Duration::ZERO);
    }
}
