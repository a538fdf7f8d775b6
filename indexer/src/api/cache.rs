//! A small cache of values under keys of 32 bytes. What a content hash names never changes. Other values say by themselves
//! whether they still hold, and are put again.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Holds values, each under its key, of at most `capacity` in size together.
pub struct Cache<V> {
    capacity: usize,
    kept: Mutex<Kept<V>>,
}

struct Kept<V> {
    size: usize,
    values: HashMap<[u8; 32], (Arc<V>, usize)>,
}

impl<V> Cache<V> {
    /// An empty cache.
    pub fn new(capacity: usize) -> Self {
        Self { capacity, kept: Mutex::new(Kept { size: 0, values: HashMap::new() }) }
    }

    /// The value under `hash`.
    pub fn get(&self, hash: &[u8; 32]) -> Option<Arc<V>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.values.get(hash).map(|(value, _)| value.clone())
    }

    /// Keeps `value` of this size under `hash` and returns it. A full cache first drops arbitrary values.
    pub fn put(&self, hash: [u8; 32], value: V, size: usize) -> Arc<V> {
        let value = Arc::new(value);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut dropped = Some(hash);
        while let Some(other) = dropped {
            if let Some((_, size)) = kept.values.remove(&other) {
                kept.size -= size;
            }
            dropped = kept.values.keys().next().copied().filter(|_| kept.size + size > self.capacity);
        }
        if size <= self.capacity {
            kept.size += size;
            kept.values.insert(hash, (value.clone(), size));
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::Cache;

    #[test]
    fn a_full_cache_stays_full_by_the_size_of_what_it_holds() {
        let cache = Cache::new(4);
        for n in 0..5u8 {
            cache.put([n; 32], n, 2);
        }
        assert_eq!((0..5u8).filter(|n| cache.get(&[*n; 32]).is_some()).count(), 2);
        assert_eq!(cache.get(&[4; 32]).as_deref(), Some(&4));
        cache.put([4; 32], 5, 4);
        assert_eq!((0..5u8).filter_map(|n| cache.get(&[n; 32])).map(|v| *v).collect::<Vec<_>>(), [5]);
        assert_eq!(*cache.put([9; 32], 9, 5), 9);
        assert!(cache.get(&[9; 32]).is_none(), "too large to keep");
    }
}
