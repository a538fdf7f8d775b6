//! A small cache of values that content hashes name. Such values never change, so the cache never needs to refresh one.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Holds at most `capacity` values, each under its hash.
pub struct Cache<V> {
    capacity: usize,
    values: Mutex<HashMap<[u8; 32], Arc<V>>>,
}

impl<V> Cache<V> {
    /// An empty cache.
    pub fn new(capacity: usize) -> Self {
        Self { capacity, values: Mutex::default() }
    }

    /// The value named `hash`.
    pub fn get(&self, hash: &[u8; 32]) -> Option<Arc<V>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner).get(hash).cloned()
    }

    /// Keeps `value` under `hash` and returns it. A full cache first drops an arbitrary value.
    pub fn put(&self, hash: [u8; 32], value: V) -> Arc<V> {
        let value = Arc::new(value);
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        if values.len() >= self.capacity
            && let Some(other) = values.keys().next().copied()
        {
            values.remove(&other);
        }
        values.insert(hash, value.clone());
        value
    }
}

#[cfg(test)]
mod tests {
    use super::Cache;

    #[test]
    fn a_full_cache_stays_full() {
        let cache = Cache::new(2);
        for n in 0..5u8 {
            cache.put([n; 32], n);
        }
        assert_eq!((0..5u8).filter(|n| cache.get(&[*n; 32]).is_some()).count(), 2);
        assert_eq!(cache.get(&[4; 32]).as_deref(), Some(&4));
    }
}
