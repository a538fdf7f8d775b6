//! Commits together what comes at the same time. A server that writes durably takes milliseconds for a commit, whatever is
//! in it.

use crate::ingest::TransactionRecord;
use std::{
    future::Future,
    sync::{Arc, Mutex},
};
use tokio::sync::oneshot;

/// A record that waits, and whom to tell whether it was stored.
type Waiting = (Arc<TransactionRecord>, oneshot::Sender<bool>);

/// The records that wait while others are committed.
#[derive(Default)]
pub struct Together {
    waiting: Mutex<Vec<Waiting>>,
    turn: tokio::sync::Mutex<()>,
}

impl Together {
    /// Has `store` store `record` with all that came while others were stored. Returns whether it did. `store` says for
    /// each whether it was stored.
    pub async fn add<S: Future<Output = Vec<bool>>>(
        &self,
        record: Arc<TransactionRecord>,
        store: impl FnOnce(Vec<Arc<TransactionRecord>>) -> S,
    ) -> bool {
        let (tell, told) = oneshot::channel();
        self.waiting.lock().expect("no panic holds this lock").push((record, tell));
        {
            let _turn = self.turn.lock().await;
            let all = std::mem::take(&mut *self.waiting.lock().expect("no panic holds this lock"));
            // Somebody whose turn was before may have stored it.
            if !all.is_empty() {
                let stored = store(all.iter().map(|(record, _)| record.clone()).collect()).await;
                // Whoever does not wait any more needs not be told.
                all.into_iter().zip(stored).for_each(|((_, tell), stored)| _ = tell.send(stored));
            }
        }
        told.await.unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn record(n: usize) -> Arc<TransactionRecord> {
        Arc::new(TransactionRecord {
            signature: n.to_string(),
            slot: 1,
            place: None,
            block_time: None,
            failed: false,
            events: vec![],
            unread: vec![],
        })
    }

    #[tokio::test]
    async fn what_comes_while_others_are_stored_is_stored_together_and_each_once() {
        let (together, calls, sum) = (Together::default(), AtomicUsize::new(0), AtomicUsize::new(0));
        let store = async |all: Vec<Arc<TransactionRecord>>| {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            calls.fetch_add(1, Ordering::SeqCst);
            sum.fetch_add(all.len(), Ordering::SeqCst);
            vec![true; all.len()]
        };
        let all = futures::future::join_all((0..50).map(|n| together.add(record(n), store))).await;
        assert!(all.iter().all(|stored| *stored));
        let (calls, sum) = (calls.load(Ordering::SeqCst), sum.load(Ordering::SeqCst));
        assert!(calls <= 3 && sum == 50, "{sum} in {calls}");
        assert!(!together.add(record(50), async |_| vec![]).await, "who is told that it was not stores it alone");
    }
}
