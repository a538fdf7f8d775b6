//! Keeps values in memory that are expensive to work out.

use anyhow::Result;
use std::{collections::HashMap, hash::Hash, sync::Arc};
use tokio::sync::{Mutex, OnceCell};

type Slot<V> = Arc<OnceCell<Arc<V>>>;

/// Values by key. Each value is worked out at first use. Cheap to clone: all clones share one state.
pub struct Memo<K, V> {
    slots: Arc<Mutex<HashMap<K, Slot<V>>>>,
    most: usize,
}

impl<K, V> Clone for Memo<K, V> {
    fn clone(&self) -> Self {
        Self { slots: self.slots.clone(), most: self.most }
    }
}

impl<K: Eq + Hash, V> Memo<K, V> {
    /// Keeps at most `most` values. A new key beyond that drops all earlier values.
    pub fn new(most: usize) -> Self {
        Self { slots: Arc::default(), most }
    }

    /// The value of `key`, or the result of `work` if there is none. Other callers with the same key wait for that
    /// work. An error is not kept, so the next caller runs its own `work`.
    pub async fn get_or_try<F: Future<Output = Result<V>>>(&self, key: K, work: impl FnOnce() -> F) -> Result<Arc<V>> {
        let slot = {
            let mut slots = self.slots.lock().await;
            if slots.len() >= self.most && !slots.contains_key(&key) {
                slots.clear();
            }
            slots.entry(key).or_default().clone()
        };
        let make = || async { work().await.map(Arc::new) };
        slot.get_or_try_init(make).await.cloned()
    }

    /// Drops the value of `key`. The next caller works it out again.
    pub async fn forget(&self, key: &K) {
        self.slots.lock().await.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

    #[tokio::test]
    async fn a_value_is_worked_out_once_and_again_after_an_error_or_when_forgotten() {
        let memo = Memo::<&str, u32>::new(8);
        let calls = AtomicU32::new(0);
        let next = || async { anyhow::Ok(calls.fetch_add(1, SeqCst)) };
        let (a, b) = tokio::join!(memo.get_or_try("a", next), memo.get_or_try("a", next));
        assert_eq!((*a.unwrap(), *b.unwrap(), calls.load(SeqCst)), (0, 0, 1));
        assert!(memo.get_or_try("b", || async { anyhow::bail!("not yet") }).await.is_err());
        assert_eq!(*memo.get_or_try("b", next).await.unwrap(), 1);
        memo.forget(&"a").await;
        assert_eq!(*memo.get_or_try("a", next).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn no_more_than_so_many_are_kept() {
        let memo = Memo::<u32, u32>::new(2);
        for key in 0..5 {
            memo.get_or_try(key, || async { Ok(key) }).await.unwrap();
            assert!(memo.slots.lock().await.len() <= 2);
        }
        memo.get_or_try(4, || async { anyhow::bail!("it is kept") }).await.unwrap();
    }
}
