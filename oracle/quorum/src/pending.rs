//! Slow answers: a first request starts the work, and a later request collects its outcome.

use std::{collections::HashMap, future::Future, sync::Mutex, time::Duration};

use openledger_protocol::Hash32;
use tokio::sync::watch;

use crate::error::{Code, Refusal};

type Outcome = Result<(), String>;

/// Works in progress, by key. A success is remembered. A failure is returned once, and then the work can be tried
/// again.
#[derive(Default)]
pub struct Pending(Mutex<HashMap<Hash32, Work>>);

struct Work {
    /// Wallet of the member whose request started it. `None` if no request did.
    by: Option<Hash32>,
    outcome: watch::Receiver<Option<Outcome>>,
}

/// Most works remembered before the finished ones are forgotten. A forgotten work would only be done again.
const REMEMBERED: usize = 1024;

/// Most unfinished works that one member may have started.
const AT_A_TIME: usize = 8;

impl Pending {
    /// Starts `work` under `key` unless it runs already, and waits for it up to `hold`. `None` means that it still
    /// runs.
    ///
    /// The key must name everything that the work looks at, and nothing else. Otherwise somebody could have the same
    /// work done again and again.
    pub async fn poll<F>(&self, key: Hash32, hold: Duration, work: impl FnOnce() -> F) -> Option<Outcome>
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        self.join(None, key, hold, work).await
    }

    /// Like [`Pending::poll`], for a work that a request of the member `by` asks for.
    ///
    /// A work that failed is refused as `NotApproved`. A member that has started too many works is refused as
    /// `TooManyRequests` until one of them is done.
    pub async fn poll_by<F>(
        &self,
        by: Hash32,
        key: Hash32,
        hold: Duration,
        work: impl FnOnce() -> F,
    ) -> Option<Result<(), Refusal>>
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        if self.has_too_many(&by, &key) {
            let text = format!("is at work on {AT_A_TIME} requests of yours: ask again when one is done");
            return Some(Err(Refusal::new(Code::TooManyRequests, text)));
        }
        let outcome = self.join(Some(by), key, hold, work).await?;
        Some(outcome.map_err(|reason| Refusal::new(Code::NotApproved, reason)))
    }

    fn has_too_many(&self, by: &Hash32, key: &Hash32) -> bool {
        let works = self.0.lock().expect("no panic holds this lock");
        let running = || works.values().filter(|w| w.by == Some(*by) && w.is_running()).count();
        !works.contains_key(key) && running() >= AT_A_TIME
    }

    async fn join<F>(
        &self,
        by: Option<Hash32>,
        key: Hash32,
        hold: Duration,
        work: impl FnOnce() -> F,
    ) -> Option<Outcome>
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        let mut outcome = {
            let mut works = self.0.lock().expect("no panic holds this lock");
            if works.len() > REMEMBERED {
                works.retain(|_, w| w.is_running());
            }
            works.entry(key).or_insert_with(|| Work { by, outcome: start(work()) }).outcome.clone()
        };
        let done = match tokio::time::timeout(hold, outcome.wait_for(Option::is_some)).await {
            Err(_) => return None,
            Ok(Ok(done)) => done.clone(),
            // The sender was dropped without a result: the work panicked.
            Ok(Err(_)) => Some(Err("its own check crashed: see its log".to_string())),
        };
        if matches!(done, Some(Err(_))) {
            self.0.lock().expect("no panic holds this lock").remove(&key);
        }
        done
    }
}

impl Work {
    /// A work that panicked has dropped its sender.
    fn is_running(&self) -> bool {
        self.outcome.borrow().is_none() && self.outcome.has_changed().is_ok()
    }
}

fn start(work: impl Future<Output = Outcome> + Send + 'static) -> watch::Receiver<Option<Outcome>> {
    let (done, outcome) = watch::channel(None);
    tokio::spawn(async move {
        let result = work.await;
        done.send_replace(Some(result));
    });
    outcome
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use super::*;

    const SHORT: Duration = Duration::from_millis(5);
    const LONG: Duration = Duration::from_secs(5);
    const ONE: Hash32 = [91; 32];
    const TWO: Hash32 = [92; 32];

    #[tokio::test]
    async fn slow_work_runs_once_and_is_picked_up_later() {
        let (pending, runs) = (Pending::default(), Arc::new(AtomicUsize::new(0)));
        let work = || {
            let runs = runs.clone();
            async move {
                runs.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(50)).await;
                Ok(())
            }
        };
        assert_eq!(pending.poll([1; 32], SHORT, work).await, None);
        assert_eq!(pending.poll_by(TWO, [1; 32], LONG, work).await, Some(Ok(())));
        assert_eq!(pending.poll([1; 32], LONG, work).await, Some(Ok(())));
        assert_eq!(runs.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_failure_or_a_panic_is_told_and_can_be_tried_again() {
        let pending = Pending::default();
        let no = || async { Err("no".to_string()) };
        let refused = Refusal::new(Code::NotApproved, "no");
        assert_eq!(pending.poll_by(ONE, [1; 32], LONG, no).await, Some(Err(refused)));
        assert_eq!(pending.poll_by(ONE, [1; 32], LONG, || async { Ok(()) }).await, Some(Ok(())));
        let crash = || async { panic!("on purpose") };
        assert!(matches!(pending.poll_by(ONE, [2; 32], LONG, crash).await, Some(Err(_))));
    }

    #[tokio::test]
    async fn a_member_that_starts_many_works_is_refused_until_one_is_done_and_others_are_not() {
        let (pending, ended) = (Pending::default(), Arc::new(tokio::sync::Notify::new()));
        let work = || {
            let ended = ended.clone();
            async move {
                ended.notified().await;
                Ok(())
            }
        };
        for key in 0..AT_A_TIME as u8 {
            assert_eq!(pending.poll_by(ONE, [key; 32], SHORT, work).await, None);
        }
        match pending.poll_by(ONE, [99; 32], SHORT, work).await {
            Some(Err(refusal)) => assert_eq!(refusal.code, Code::TooManyRequests),
            other => panic!("{other:?}"),
        }
        // It may still ask about the works that run, and another member may start one.
        assert_eq!(pending.poll_by(ONE, [0; 32], SHORT, work).await, None);
        assert_eq!(pending.poll_by(TWO, [99; 32], SHORT, work).await, None);
        ended.notify_waiters();
        assert_eq!(pending.poll_by(ONE, [0; 32], LONG, work).await, Some(Ok(())));
        assert_eq!(pending.poll_by(ONE, [100; 32], SHORT, work).await, None);
    }
}
