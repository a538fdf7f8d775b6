//! How far the events were looked at for what they name.

use std::time::{Duration, Instant};

/// How far the events were looked at.
#[derive(Debug, Default)]
pub struct Seen {
    /// Number of the last event.
    pub event: i64,
    /// The last look.
    pub last: Option<Look>,
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
    /// How long the next look should still wait. Looks take up to a quarter of the time, so that nobody keeps the database
    /// busy with them, and wait no longer than `most` between their beginnings.
    pub fn rest(&self, most: Duration) -> Duration {
        (self.took * 4).min(most).saturating_sub(self.at.elapsed())
    }
}
