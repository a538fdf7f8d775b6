//! Keeps values in memory that are expensive to work out.

use anyhow::Result;
use std::{collections::HashMap, hash::Hash, sync::Arc};
use tokio::sync::{Mutex, OnceCell};

type Slot<V> = Arc<OnceCell<Arc<V>>>;

/// Values by key. Each value is worked out at first use. Cheap to clone: all clones share one state.
pub struct Memo<K, V> {
    slots: Arc<Mutex<Slots<K, V>>>,
    most: usize,
}

struct Slots<K, V> {
    /// By key, with the number of the slot: the oldest has the lowest.
    by_key: HashMap<K, (u64, Slot<V>)>,
    next: u64,
}

impl<K, V> Clone for Memo<K, V> {
    fn clone(&self) -> Self {
        Self { slots: self.slots.clone(), most: self.most }
    }
}

impl<K: Clone + Eq + Hash, V> Memo<K, V> {
    /// Keeps at most `most` finished values. The next one takes the place of the oldest.
    pub fn new(most: usize) -> Self {
        Self { slots: Arc::new(Mutex::new(Slots { by_key: HashMap::new(), next: 0 })), most }
    }

    /// The value of `key`, or the result of `work` if there is none. Other callers with the same key wait for that
    /// work. An error is not kept, so the next caller runs its own `work`.
    pub async fn get_or_try<F: Future<Output = Result<V>>>(&self, key: K, work: impl FnOnce() -> F) -> Result<Arc<V>> {
        let slot = self.slots.lock().await.slot(&key);
        let make = || async { work().await.map(Arc::new) };
        let made = slot.get_or_try_init(make).await.cloned();
        let mut slots = self.slots.lock().await;
        match &made {
            Ok(_) => slots.trim(self.most),
            Err(_) => slots.drop_empty(&key, &slot),
        }
        made
    }

    /// Drops the value of `key`. The next caller works it out again.
    pub async fn forget(&self, key: &K) {
        self.slots.lock().await.by_key.remove(key);
    }
}

impl<K: Clone + Eq + Hash, V> Slots<K, V> {
    /// The slot of `key`. It is made if there is none.
    fn slot(&mut self, key: &K) -> Slot<V> {
        if let Some((_, slot)) = self.by_key.get(key) {
            return slot.clone();
        }
        let slot = Slot::default();
        self.by_key.insert(key.clone(), (self.next, slot.clone()));
        self.next += 1;
        slot
    }

    /// Drops the oldest finished values until no more than `most` are left. A value that is being worked out stays,
    /// because a caller waits for it.
    fn trim(&mut self, most: usize) {
        let finished = self.by_key.iter().filter(|(_, (_, slot))| slot.initialized());
        let mut finished: Vec<(u64, K)> = finished.map(|(key, (number, _))| (*number, key.clone())).collect();
        finished.sort_unstable_by_key(|(number, _)| *number);
        for (_, key) in finished.iter().take(finished.len().saturating_sub(most)) {
            self.by_key.remove(key);
        }
    }

    /// Drops `slot`, whose work failed. It stays if another caller is at work on it or has made a new one.
    fn drop_empty(&mut self, key: &K, slot: &Slot<V>) {
        let same = self.by_key.get(key).is_some_and(|(_, held)| Arc::ptr_eq(held, slot));
        // The map and this call hold it. A third holder is at work on it.
        if same && !slot.initialized() && Arc::strong_count(slot) <= 2 {
            self.by_key.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
    use tokio::sync::Notify;

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
    async fn the_oldest_makes_room_and_failures_take_none() {
        let memo = Memo::<u32, u32>::new(2);
        for key in 0..5 {
            memo.get_or_try(key, || async { Ok(key) }).await.unwrap();
            assert!(memo.get_or_try(99, || async { anyhow::bail!("never") }).await.is_err());
            assert!(memo.slots.lock().await.by_key.len() <= 2);
        }
        let kept = || async { anyhow::bail!("it is kept") };
        memo.get_or_try(3, kept).await.unwrap();
        memo.get_or_try(4, kept).await.unwrap();
    }

    #[tokio::test]
    async fn what_is_being_worked_out_is_not_dropped_to_make_room() {
        let memo = Memo::<&str, u32>::new(1);
        let (begun, go_on) = (Notify::new(), Notify::new());
        let slow = memo.get_or_try("slow", || async {
            begun.notify_one();
            go_on.notified().await;
            Ok(7)
        });
        let others = async {
            begun.notified().await;
            for key in ["a", "b", "c"] {
                memo.get_or_try(key, || async { Ok(0) }).await.unwrap();
            }
            go_on.notify_one();
            memo.get_or_try("slow", || async { anyhow::bail!("it is at work already") }).await
        };
        let (slow, waited) = tokio::join!(slow, others);
        assert_eq!((*slow.unwrap(), *waited.unwrap()), (7, 7));
    }
}
