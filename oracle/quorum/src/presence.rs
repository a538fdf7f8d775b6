//! Which members show signs of life. Pure, apart from the lock.

use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Duration, Instant},
};

use openledger_protocol::Hash32;

/// When each member last showed a sign of life.
#[derive(Default)]
pub struct Presence(Mutex<HashMap<Hash32, Instant>>);

impl Presence {
    /// Begins to watch `member` at `now`. A member that is watched already is left as it is.
    pub fn watch(&self, member: Hash32, now: Instant) {
        self.0.lock().expect("no panic holds this lock").entry(member).or_insert(now);
    }

    /// Notes a sign of life of `member` at `now`.
    pub fn saw(&self, member: Hash32, now: Instant) {
        self.0.lock().expect("no panic holds this lock").insert(member, now);
    }

    /// Whether `member` has been watched and silent for longer than `limit` at `now`.
    pub fn is_silent(&self, member: &Hash32, now: Instant, limit: Duration) -> bool {
        let last = self.0.lock().expect("no panic holds this lock").get(member).copied();
        last.is_some_and(|last| now.saturating_duration_since(last) > limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(6);

    #[test]
    fn a_member_is_silent_after_the_limit_and_no_longer_once_it_is_back() {
        let (presence, start) = (Presence::default(), Instant::now());
        assert!(!presence.is_silent(&[1; 32], start + LIMIT * 9, LIMIT), "nobody has begun to watch it");
        presence.watch([1; 32], start);
        assert!(!presence.is_silent(&[1; 32], start + LIMIT, LIMIT));
        presence.watch([1; 32], start + LIMIT);
        let late = start + LIMIT + Duration::from_millis(1);
        assert!(presence.is_silent(&[1; 32], late, LIMIT), "to watch a member is no sign of its life");
        presence.saw([1; 32], late);
        assert!(!presence.is_silent(&[1; 32], late + LIMIT, LIMIT));
    }
}
