//! What was found lately and is not looked for again at once.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::Mutex,
    time::{Duration, Instant},
};

/// Most that is remembered.
const MOST: usize = 10_000;

/// What was found within the last `kept`.
#[derive(Debug)]
pub struct Remembered<K> {
    kept: Duration,
    found: Mutex<HashMap<K, Instant>>,
}

impl<K: Hash + Eq> Remembered<K> {
    /// Remembers for `kept`.
    pub fn new(kept: Duration) -> Self {
        Self { kept, found: Mutex::default() }
    }

    /// Whether it was found lately.
    pub fn has(&self, key: &K) -> bool {
        let found = self.found.lock().expect("no panic holds this lock");
        found.get(key).is_some_and(|at| at.elapsed() < self.kept)
    }

    /// Notes that it was found now. Where too much was found lately, it is not remembered.
    pub fn note(&self, key: K) {
        let mut found = self.found.lock().expect("no panic holds this lock");
        if found.len() >= MOST {
            found.retain(|_, at| at.elapsed() < self.kept);
        }
        if found.len() < MOST {
            found.insert(key, Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_is_remembered_for_a_while_and_there_is_a_bound() {
        let lately = Remembered::new(Duration::from_secs(60));
        lately.note((1, 2));
        assert!(lately.has(&(1, 2)) && !lately.has(&(2, 1)));
        (0..2 * MOST).for_each(|n| lately.note((n, 0)));
        assert_eq!(lately.found.lock().unwrap().len(), MOST);
        let never = Remembered::new(Duration::ZERO);
        never.note(1);
        assert!(!never.has(&1));
    }
}
