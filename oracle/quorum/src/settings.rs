//! Time limits and quotas. They decide how long to wait for others, and how much others may ask. No safety depends on
//! them.

use std::time::Duration;

use crate::{
    error::{Error, Result},
    quota::Quota,
};

/// How long a participant waits for each thing, and what it lets others ask.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Longest time of one HTTP request, from connecting to the last byte.
    pub request_timeout: Duration,
    /// How long a member holds a request whose answer is still being computed before it answers "pending".
    pub hold: Duration,
    /// First pause before an unreachable member is asked again. The pause doubles with every failure.
    pub retry_min: Duration,
    /// Longest pause before an unreachable member is asked again.
    pub retry_max: Duration,
    /// Pause between two beats, by which members show each other that they live.
    pub beat_every: Duration,
    /// A member that has answered no beat for this long is taken for dead, until it answers one again.
    pub silent_after: Duration,
    /// Key generation: how long to wait until all n members take part.
    pub dkg_deadline: Duration,
    /// Longest time of a signature from the first request on. It must leave time for the members' approvals, which
    /// re-execute training.
    pub sign_deadline: Duration,
    /// If a member of a signing round keeps the others waiting this long, the others start another round.
    pub stall_after: Duration,
    /// Observations: how long each member waits for the commitments of living members after it has heard t of them.
    pub commit_window: Duration,
    /// Observations: how long each member waits for the reveals of living members after it has seen the sealed set.
    pub reveal_window: Duration,
    /// Observations: how long a coordinator's turn lasts. It is longer than each window.
    pub turn: Duration,
    /// What each member may ask of this one.
    pub quota: Quota,
}

impl Settings {
    /// Checks the settings. A window must be shorter than a turn, and a beat more frequent than silence is noticed.
    pub(crate) fn check(&self) -> Result<()> {
        if self.commit_window >= self.turn || self.reveal_window >= self.turn {
            return Err(Error::Setup("settings: commit_window and reveal_window must be shorter than turn".into()));
        }
        if self.beat_every.is_zero() || self.beat_every >= self.silent_after {
            return Err(Error::Setup("settings: beat_every must be above zero and shorter than silent_after".into()));
        }
        Ok(())
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            request_timeout: Duration::from_secs(20),
            hold: Duration::from_secs(2),
            retry_min: Duration::from_millis(100),
            retry_max: Duration::from_secs(3),
            beat_every: Duration::from_secs(2),
            silent_after: Duration::from_secs(6),
            dkg_deadline: Duration::from_secs(600),
            sign_deadline: Duration::from_secs(300),
            stall_after: Duration::from_secs(2),
            commit_window: Duration::from_secs(20),
            reveal_window: Duration::from_secs(10),
            turn: Duration::from_secs(30),
            quota: Quota::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_shorter_than_a_turn_and_a_beat_comes_before_silence() {
        let good = Settings::default();
        assert!(good.check().is_ok());
        assert!(Settings { commit_window: good.turn, ..good.clone() }.check().is_err());
        assert!(Settings { reveal_window: good.turn, ..good.clone() }.check().is_err());
        assert!(Settings { beat_every: good.silent_after, ..good.clone() }.check().is_err());
        assert!(Settings { beat_every: Duration::ZERO, ..good }.check().is_err());
    }
}
