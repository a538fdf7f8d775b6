//! Divides an amount in proportion to integer weights, so that the parts sum to it exactly.

/// Parts per million in a whole.
pub const PPM: u64 = 1_000_000;

/// Divides `amount` in proportion to `weights` by the largest remainder (Hamilton) method. Ties go to the lower index.
/// If all weights are zero, all parts are zero.
#[cfg(any(feature = "std", test))]
pub fn largest_remainder(amount: u64, weights: &[u64]) -> std::vec::Vec<u64> {
    let total: u128 = weights.iter().map(|w| *w as u128).sum();
    if total == 0 {
        return std::vec![0; weights.len()];
    }
    // amount * weight < 2^128: both are u64
    let exact = |w: u64| (amount as u128 * w as u128 / total, amount as u128 * w as u128 % total);
    let mut parts: std::vec::Vec<u64> = weights.iter().map(|w| exact(*w).0 as u64).collect();
    let left = amount - parts.iter().sum::<u64>();
    let mut order: std::vec::Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|i| (core::cmp::Reverse(exact(weights[*i]).1), *i));
    for i in order.into_iter().take(left as usize) {
        parts[i] += 1;
    }
    parts
}

/// Elementwise lower median of several vectors of the same length: of k values the one at place ⌈k / 2⌉ in ascending
/// order. `None` if there is no vector or the lengths differ.
#[cfg(any(feature = "std", test))]
pub fn lower_median<V: AsRef<[u64]>>(vectors: &[V]) -> Option<std::vec::Vec<u64>> {
    let n = vectors.first()?.as_ref().len();
    if vectors.iter().any(|v| v.as_ref().len() != n) {
        return None;
    }
    let median = |i: usize| {
        let mut column: std::vec::Vec<u64> = vectors.iter().map(|v| v.as_ref()[i]).collect();
        column.sort_unstable();
        column[(column.len() - 1) / 2]
    };
    Some((0..n).map(median).collect())
}
