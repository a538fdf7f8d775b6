//! How much one member may ask of another: requests in a second, requests at a time, and bytes at a time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use openledger_protocol::Hash32;

/// What each member may ask of this one. The limits are far above what an honest member needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Requests that may be answered at the same time.
    pub at_a_time: usize,
    /// Requests that may come at once after a pause.
    pub burst: u32,
    /// Requests in a second, in the long run. At least 1.
    pub per_second: u32,
}

impl Default for Quota {
    fn default() -> Self {
        Self { at_a_time: 128, burst: 600, per_second: 200 }
    }
}

/// What the members are using of their quotas.
#[derive(Clone)]
pub struct Quotas {
    quota: Quota,
    used: Arc<Mutex<HashMap<Hash32, Used>>>,
}

struct Used {
    /// Requests that may come now, in millionths: one request takes a million.
    tokens: u64,
    /// When `tokens` was right.
    at: Instant,
    requests: usize,
    bytes: u64,
}

const TOKEN: u64 = 1_000_000;

/// A request that is being answered. Its place is free again when this is dropped.
pub struct Place {
    quotas: Quotas,
    member: Hash32,
    bytes: u64,
}

impl Quotas {
    /// The same quota for each member.
    pub fn new(quota: Quota) -> Self {
        Self { quota, used: Arc::default() }
    }

    /// A place for a request of `bytes` by `member` at the time `now`. Fails with the time to wait.
    ///
    /// A member's requests may together be as long as the longest message (`longest` bytes), so that many long requests
    /// take no more memory than one.
    pub fn enter(&self, member: Hash32, bytes: u64, longest: u64, now: Instant) -> Result<Place, Duration> {
        let full = u64::from(self.quota.burst) * TOKEN;
        let mut all = self.used.lock().expect("no panic holds this lock");
        let used = all.entry(member).or_insert(Used { tokens: full, at: now, requests: 0, bytes: 0 });
        let passed = now.saturating_duration_since(used.at).as_micros() as u64;
        let gained = passed.saturating_mul(u64::from(self.quota.per_second));
        (used.tokens, used.at) = (used.tokens.saturating_add(gained).min(full), used.at.max(now));
        if used.tokens < TOKEN {
            let wait = (TOKEN - used.tokens).div_ceil(u64::from(self.quota.per_second.max(1)));
            return Err(Duration::from_micros(wait));
        }
        if used.requests >= self.quota.at_a_time || used.bytes.saturating_add(bytes) > longest {
            return Err(Duration::from_secs(1));
        }
        used.tokens -= TOKEN;
        used.requests += 1;
        used.bytes += bytes;
        Ok(Place { quotas: self.clone(), member, bytes })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Ok(mut all) = self.quotas.used.lock()
            && let Some(used) = all.get_mut(&self.member)
        {
            used.requests -= 1;
            used.bytes -= self.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUOTA: Quota = Quota { at_a_time: 3, burst: 5, per_second: 10 };

    fn drain(quotas: &Quotas, member: u8, now: Instant) -> usize {
        (0..100).take_while(|_| quotas.enter([member; 32], 0, 100, now).is_ok()).count()
    }

    #[test]
    fn a_member_may_burst_then_keeps_to_its_rate_and_others_are_not_affected() {
        let (quotas, start) = (Quotas::new(QUOTA), Instant::now());
        assert_eq!(drain(&quotas, 1, start), 5);
        assert_eq!(quotas.enter([1; 32], 0, 100, start).err(), Some(Duration::from_millis(100)));
        assert_eq!(drain(&quotas, 1, start + Duration::from_millis(100)), 1);
        assert_eq!(drain(&quotas, 1, start + Duration::from_secs(60)), 5);
        assert_eq!(drain(&quotas, 2, start), 5);
    }

    #[test]
    fn places_and_bytes_are_free_again_when_the_answer_is_given() {
        let (quotas, now) = (Quotas::new(Quota { burst: 100, ..QUOTA }), Instant::now());
        let held: Vec<_> = (0..3).map(|_| quotas.enter([1; 32], 30, 100, now).ok().unwrap()).collect();
        assert!(quotas.enter([1; 32], 1, 100, now).is_err(), "no place is left");
        drop(held);
        let long = quotas.enter([1; 32], 100, 100, now).ok().unwrap();
        assert!(quotas.enter([1; 32], 1, 100, now).is_err(), "no bytes are left");
        drop(long);
        assert!(quotas.enter([1; 32], 100, 100, now).is_ok());
    }
}
