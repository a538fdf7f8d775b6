//! Combines several answers' shares.

use openledger_pay::{PayError, Result};
use openledger_protocol::allocate::{PPM, largest_remainder};

/// Shares of several answers together, in parts per million. Each answer is weighted by its fee: Σ fee · ppm,
/// normalised to 1,000,000. All are zero if every product is zero. Each vector has one entry for each training example.
/// Fails if the lengths differ.
///
/// The sums are exact. If they exceed 64 bits, all are divided by the same power of two. This moves a share by less
/// than one part in 2^62.
pub fn combine(answers: &[(u64, &[u64])]) -> Result<Vec<u64>> {
    let Some(length) = answers.first().map(|(_, shares)| shares.len()) else {
        return Err(PayError::Scores("there are no answers to combine".into()));
    };
    let mut sums = vec![0u128; length];
    for (i, (fee, shares)) in answers.iter().enumerate() {
        if shares.len() != length {
            return Err(PayError::Scores(format!(
                "answer {i} has {} shares, answer 0 has {length}; combine answers of the same model only",
                shares.len()
            )));
        }
        for (sum, share) in sums.iter_mut().zip(*shares) {
            *sum = u128::from(*fee)
                .checked_mul(u128::from(*share))
                .and_then(|product| sum.checked_add(product))
                .ok_or_else(|| PayError::Scores(format!("the sum overflows at answer {i}")))?;
        }
    }
    let bits = 128 - sums.iter().copied().max().unwrap_or(0).leading_zeros();
    let shift = bits.saturating_sub(u64::BITS);
    let weights: Vec<u64> = sums.iter().map(|s| (s >> shift) as u64).collect();
    Ok(largest_remainder(PPM, &weights))
}

#[cfg(test)]
mod tests {
    use super::*;
    use openledger_pay::integer_weights::integer_weights;
    use proptest::prelude::*;

    #[test]
    fn answers_count_in_proportion_to_their_fee() {
        let (a, b) = (vec![PPM, 0], vec![0, PPM]);
        assert_eq!(combine(&[(3, &a), (1, &b)]).unwrap(), [750_000, 250_000]);
        assert_eq!(combine(&[(u64::MAX, &a), (u64::MAX, &b)]).unwrap(), [500_000, 500_000]);
        assert_eq!(combine(&[(0, &a)]).unwrap(), [0, 0]);
        assert!(combine(&[]).is_err());
        assert!(combine(&[(1, &a), (1, &b[..1])]).is_err());
    }

    proptest! {
        #[test]
        fn combined_shares_sum_to_a_million(
            fees in prop::collection::vec(1u64.., 1..5),
            values in prop::collection::vec(0.1f64..1.0, 1..20),
        ) {
            let shares = largest_remainder(PPM, &integer_weights(&values));
            let answers: Vec<(u64, &[u64])> = fees.iter().map(|f| (*f, shares.as_slice())).collect();
            let combined = combine(&answers).unwrap();
            prop_assert_eq!(combined.iter().sum::<u64>(), PPM);
            for (c, s) in combined.iter().zip(&shares) {
                prop_assert!(c.abs_diff(*s) <= 1);
            }
        }
    }
}
