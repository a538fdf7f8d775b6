//! Waiting: for how long, how often to look, and for what.

use crate::error::SdkError;
use std::time::{Duration, Instant};

/// The pause before the second look.
const FIRST: Duration = Duration::from_millis(100);
/// Longest pause between two looks.
const LONGEST: Duration = Duration::from_secs(2);

/// A wait with a deadline. The pauses between looks grow, so that a long wait asks a node seldom.
#[derive(Clone, Debug)]
pub struct Wait {
    what: String,
    within: Duration,
    started: Instant,
    pause: Duration,
}

impl Wait {
    /// Begins to wait for `what`, which ends in an error after `within`.
    pub fn new(what: impl Into<String>, within: Duration) -> Self {
        Self { what: what.into(), within, started: Instant::now(), pause: FIRST }
    }

    /// Whether the deadline has passed.
    pub fn is_over(&self) -> bool {
        self.started.elapsed() >= self.within
    }

    /// Sleeps until the next look, each time a fifth longer. Fails with [`SdkError::TimedOut`] once the deadline has passed.
    pub async fn pause(&mut self) -> Result<(), SdkError> {
        if self.is_over() {
            return Err(SdkError::TimedOut { what: self.what.clone(), seconds: self.within.as_secs() });
        }
        let left = self.within.saturating_sub(self.started.elapsed());
        tokio::time::sleep(self.pause.min(left)).await;
        self.pause = (self.pause * 6 / 5).min(LONGEST);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wait_ends_at_its_deadline_and_says_what_it_waited_for() {
        let mut wait = Wait::new("the moon", Duration::from_millis(250));
        let mut looks = 0;
        let error = loop {
            match wait.pause().await {
                Ok(()) => looks += 1,
                Err(e) => break e,
            }
        };
        assert!((2..=4).contains(&looks), "{looks} looks");
        assert!(error.to_string().contains("the moon"), "{error}");
        assert!(wait.started.elapsed() < Duration::from_secs(5));
    }
}
