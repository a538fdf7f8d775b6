//! Tells tasks that the chain may have changed.

use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;

/// Longest time between two reads of the chain while no subscription reports a change.
const POLL: Duration = Duration::from_secs(2);

/// Tasks wait here for the chain to change. Cheap to clone: all clones share one state.
#[derive(Clone, Default)]
pub struct Changes(Arc<Notify>);

impl Changes {
    /// Wakes every task that waits.
    pub fn announce(&self) {
        self.0.notify_waiters();
    }

    /// Returns when the chain may have changed, at the latest after two seconds.
    pub async fn next(&self) {
        let _ = tokio::time::timeout(POLL, self.0.notified()).await;
    }
}
