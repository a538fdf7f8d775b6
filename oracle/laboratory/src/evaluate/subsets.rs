//! Draws random subsets of the training examples to leave out.

use super::rng;
use openledger_attribution::{AttributionError, Result};

/// `count` subsets of 0..n with ⌊`fraction` · n⌋ members each, but at least one. Each is drawn without replacement and
/// sorted. The same seed gives the same subsets. The fraction is part of the seed, so that two regimes share nothing.
pub fn leave_out(n: usize, fraction: f64, count: usize, seed: u64) -> Result<Vec<Vec<usize>>> {
    if !(fraction > 0.0 && fraction < 1.0) || n < 2 {
        return Err(AttributionError::setting(
            "fraction",
            format!("must be between 0 and 1 of at least two examples, is {fraction} of {n}"),
        ));
    }
    // At least one example stays, because fraction < 1.
    let size = ((fraction * n as f64) as usize).max(1);
    let mut rng = rng::seeded(seed, fraction.to_bits());
    Ok((0..count)
        .map(|_| {
            // These are the first `size` steps of Fisher and Yates.
            let mut order: Vec<usize> = (0..n).collect();
            for i in 0..size {
                order.swap(i, i + rng::below(&mut rng, n - i));
            }
            order.truncate(size);
            order.sort_unstable();
            order
        })
        .collect())
}

/// Training weights of n examples: 0 for those in `removed`, and 1 for the others.
pub fn weights_without(n: usize, removed: &[usize]) -> Vec<f32> {
    let mut weights = vec![1.0; n];
    removed.iter().for_each(|i| weights[*i] = 0.0);
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subsets_have_their_size_hold_each_at_most_once_and_cover_all_evenly() {
        let subsets = leave_out(40, 0.5, 400, 7).unwrap();
        let mut times = [0; 40];
        for subset in &subsets {
            assert_eq!(subset.len(), 20);
            assert!(subset.is_sorted_by(|a, b| a < b) && subset[19] < 40);
            subset.iter().for_each(|i| times[*i] += 1);
        }
        // Each is expected 200 ± 10 times.
        assert!(times.iter().all(|t| (150..250).contains(t)), "{times:?}");
    }

    #[test]
    fn the_seed_decides_and_small_fractions_leave_out_one() {
        assert_eq!(leave_out(30, 0.015, 5, 1).unwrap(), leave_out(30, 0.015, 5, 1).unwrap());
        assert_ne!(leave_out(30, 0.2, 5, 1).unwrap(), leave_out(30, 0.2, 5, 2).unwrap());
        assert!(leave_out(30, 0.015, 5, 1).unwrap().iter().all(|s| s.len() == 1));
        for bad in [0.0, 1.0, f64::NAN] {
            assert!(leave_out(30, bad, 1, 1).is_err());
        }
    }

    #[test]
    fn weights_are_zero_where_removed() {
        assert_eq!(weights_without(4, &[1, 3]), [1.0, 0.0, 1.0, 0.0]);
    }
}
