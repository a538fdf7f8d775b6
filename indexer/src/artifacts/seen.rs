//! How far the events were looked at for what they name.

use std::time::Instant;

/// How far the events were looked at.
#[derive(Debug, Default)]
pub struct Seen {
    /// Number of the last event.
    pub event: i64,
    /// When that look began.
    pub at: Option<Instant>,
}
