//! Slow answers: a first request starts the work, and a later request collects its outcome.

use std::{collections::HashMap, future::Future, sync::Mutex, time::Duration};

use openledger_protocol::Hash32;
use tokio::sync::watch;

type Outcome = Result<(), String>;

/// Works in progress, by key. A success is remembered. A failure is returned once, and then the work can be tried
/// again.
#[derive(Default)]
pub struct Pending(Mutex<HashMap<Hash32, watch::Receiver<Option<Outcome>>>>);

/// Most works remembered before the finished ones are forgotten. A forgotten work would only be done again.
const REMEMBERED: usize = 1024;

impl Pending {
    /// Starts `work` under `key` unless it runs already, and waits for it up to `hold`. `None` means that it still
    /// runs.
    pub async fn poll<F>(&self, key: Hash32, hold: Duration, work: impl FnOnce() -> F) -> Option<Outcome>
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        let mut outcome = {
            let mut works = self.0.lock().expect("no panic holds this lock");
            if works.len() > REMEMBERED {
                works.retain(|_, w| w.borrow().is_none());
            }
            works.entry(key).or_insert_with(|| start(work())).clone()
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
        assert_eq!(pending.poll([1; 32], LONG, work).await, Some(Ok(())));
        assert_eq!(pending.poll([1; 32], LONG, work).await, Some(Ok(())));
        assert_eq!(runs.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_failure_or_a_panic_is_told_and_can_be_tried_again() {
        let pending = Pending::default();
        let no = || async { Err("no".to_string()) };
        assert_eq!(pending.poll([1; 32], LONG, no).await, Some(Err("no".into())));
        assert_eq!(pending.poll([1; 32], LONG, || async { Ok(()) }).await, Some(Ok(())));
        let crash = || async { panic!("on purpose") };
        assert!(matches!(pending.poll([2; 32], LONG, crash).await, Some(Err(_))));
    }
}
