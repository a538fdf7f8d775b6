//! Quantiles in which each value counts as often as its document has tokens.

/// The lower `numerator`/`denominator` quantile of `(value, weight)`. This is the smallest value for which the values
/// up to it hold at least that part of the weight. `None` if there is no weight. Values must be finite.
///
/// Because it is weighted by tokens, it is the same whether a text is registered whole or in pieces of the same value
/// each.
pub(crate) fn weighted_quantile(mut values: Vec<(f64, u64)>, numerator: u128, denominator: u128) -> Option<f64> {
    values.retain(|(_, weight)| *weight > 0);
    values.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let total: u128 = values.iter().map(|(_, w)| u128::from(*w)).sum();
    let mut below = 0u128;
    values.into_iter().find_map(|(value, weight)| {
        below += u128::from(weight);
        (below * denominator >= total * numerator).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_count_as_often_as_their_weight() {
        let values = || vec![(5.0, 1), (1.0, 2), (3.0, 1), (9.0, 0)];
        assert_eq!(weighted_quantile(values(), 1, 2), Some(1.0));
        assert_eq!(weighted_quantile(values(), 3, 4), Some(3.0));
        assert_eq!(weighted_quantile(values(), 1, 1), Some(5.0));
        assert_eq!(weighted_quantile(vec![(9.0, 0)], 1, 2), None);
    }

    #[test]
    fn pieces_of_the_same_value_change_nothing() {
        let whole = vec![(1.0, 30), (2.0, 60), (4.0, 45)];
        let pieces = vec![(2.0, 20), (1.0, 30), (4.0, 40), (2.0, 40), (4.0, 5)];
        for quarter in 1..=4 {
            assert_eq!(weighted_quantile(whole.clone(), quarter, 4), weighted_quantile(pieces.clone(), quarter, 4));
        }
    }
}
