//! The circuit breaker: a leaky bucket for each shard. It keeps a root that should never have been signed from emptying
//! the vault at once.
//!
//! Payments from a shard fill its bucket. The bucket holds `cap` base units and drains evenly: a full one is empty
//! after `window` slots. So at most `cap` leaves at once, and at most `cap · (1 + t / window)` in any t slots.

/// What is left in the bucket after `elapsed` slots, in base units. A `window` of 0 drains nothing.
pub fn decayed(outflow: u64, cap: u64, window: u64, elapsed: u64) -> u64 {
    // cap * elapsed < 2^128: both are u64
    let drained = (cap as u128 * elapsed as u128).checked_div(window as u128).unwrap_or(0);
    outflow.saturating_sub(u64::try_from(drained).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_bucket_drains_evenly_in_its_window() {
        assert_eq!(decayed(1_000, 1_000, 100, 0), 1_000);
        assert_eq!(decayed(1_000, 1_000, 100, 1), 990);
        assert_eq!(decayed(1_000, 1_000, 100, 99), 10);
        assert_eq!(decayed(1_000, 1_000, 100, 100), 0);
    }

    #[test]
    fn the_ends_of_the_range_neither_wrap_nor_divide_by_zero() {
        assert_eq!(decayed(u64::MAX, u64::MAX, u64::MAX, 0), u64::MAX);
        assert_eq!(decayed(u64::MAX, u64::MAX, 1, u64::MAX), 0);
        assert_eq!(decayed(7, u64::MAX, 0, 5), 7);
    }

    #[test]
    fn draining_in_steps_never_drains_more_than_at_once() {
        let (mut steps, cap, window) = (999_983, 1_000_003, 977);
        for _ in 0..100 {
            steps = decayed(steps, cap, window, 3);
        }
        assert!(steps >= decayed(999_983, cap, window, 300));
    }
}
