//! Time limits and quotas. They decide how long to wait for others, and how much others may ask. No safety depends on
//! them.

use std::time::Duration;

use crate::quota::Quota;

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
    /// Key generation: how long to wait until all n members take part.
    pub dkg_deadline: Duration,
    /// Longest time of a signature from the first request on. It must leave time for the members' approvals, which
    /// re-execute training.
    pub sign_deadline: Duration,
    /// If a member of a signing round keeps the others waiting this long, the others start another round.
    pub stall_after: Duration,
    /// Observations: how long to wait for the commitments of all n members before going on with t of them.
    pub commit_window: Duration,
    /// Observations: how long to wait for all reveals before going on with t of them.
    pub reveal_window: Duration,
    /// Observations: how long a coordinator's turn lasts before the next member takes over.
    pub turn: Duration,
    /// What each member may ask of this one.
    pub quota: Quota,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            request_timeout: Duration::from_secs(20),
            hold: Duration::from_secs(2),
            retry_min: Duration::from_millis(100),
            retry_max: Duration::from_secs(3),
            dkg_deadline: Duration::from_secs(600),
            sign_deadline: Duration::from_secs(300),
            stall_after: Duration::from_secs(2),
            commit_window: Duration::from_secs(60),
            reveal_window: Duration::from_secs(10),
            turn: Duration::from_secs(120),
            quota: Quota::default(),
        }
    }
}
