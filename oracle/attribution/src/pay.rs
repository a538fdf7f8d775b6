//! From scores to shares, in integers alone: operators with the same scores get the same shares to the last unit.

use crate::{
    attributor::Scores,
    error::{AttributionError, Result},
};
use openledger_protocol::allocate::{PPM, largest_remainder};

/// Bits that the largest score keeps when scores become integers.
const PRECISION: i32 = 40;

/// Shares in parts per million of the scores' positive parts. They sum to 1,000,000, or are all zero where no score is
/// positive.
///
/// A score s becomes ⌊s · 2^(40 − e)⌋, where 2^e ≤ s_max < 2^(e+1): scaling by a power of two is exact, so that the
/// result does not depend on the machine. The largest remainder method then divides the million.
pub fn ppm(scores: &Scores) -> Result<Vec<u64>> {
    if let Some(i) = scores.values.iter().position(|v| !v.is_finite()) {
        let id = hex::encode(scores.ids[i]);
        return Err(AttributionError::Scores(format!("that of example {id} is {}", scores.values[i])));
    }
    let max = scores.values.iter().fold(0f32, |m, v| m.max(*v));
    if max == 0.0 {
        return Ok(vec![0; scores.values.len()]);
    }
    let shift = PRECISION - exponent(f64::from(max));
    let weights: Vec<u64> =
        scores.values.iter().map(|v| (f64::from(v.max(0.0)) * power_of_two(shift)) as u64).collect();
    Ok(largest_remainder(PPM, &weights))
}

/// Shares in parts per million of several answers together, each weighted by its fee: Σ fee · ppm, normalised to
/// 1,000,000 (all zero where every product is). The vectors have one entry per training example each.
///
/// The sums are exact; where they exceed 64 bits, all are divided by the same power of two, which moves a share by less
/// than one part in 2^62.
pub fn combine(answers: &[(u64, &[u64])]) -> Result<Vec<u64>> {
    let Some(length) = answers.first().map(|(_, shares)| shares.len()) else {
        return Err(AttributionError::Scores("there are no answers to combine".into()));
    };
    let mut sums = vec![0u128; length];
    for (i, (fee, shares)) in answers.iter().enumerate() {
        if shares.len() != length {
            return Err(AttributionError::Scores(format!(
                "answer {i} has {} shares, answer 0 has {length}; combine answers of the same model only",
                shares.len()
            )));
        }
        for (sum, share) in sums.iter_mut().zip(*shares) {
            *sum = u128::from(*fee)
                .checked_mul(u128::from(*share))
                .and_then(|product| sum.checked_add(product))
                .ok_or_else(|| AttributionError::Scores(format!("the sum overflows at answer {i}")))?;
        }
    }
    let bits = 128 - sums.iter().copied().max().unwrap_or(0).leading_zeros();
    let shift = bits.saturating_sub(u64::BITS);
    let weights: Vec<u64> = sums.iter().map(|s| (s >> shift) as u64).collect();
    Ok(largest_remainder(PPM, &weights))
}

/// ⌊log₂ x⌋ of a positive normal f64 (every positive f32 is one).
fn exponent(x: f64) -> i32 {
    (x.to_bits() >> 52) as i32 - 1023
}

/// 2^n, exactly, for n in the range of normal f64.
fn power_of_two(n: i32) -> f64 {
    f64::from_bits(((n + 1023) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scores(values: Vec<f32>) -> Scores {
        Scores { ids: values.iter().map(|_| [0; 32]).collect(), values }
    }

    #[test]
    fn negative_scores_earn_nothing_and_the_rest_is_in_proportion() {
        assert_eq!(ppm(&scores(vec![1.0, -5.0, 3.0, 0.0])).unwrap(), [250_000, 0, 750_000, 0]);
        assert_eq!(ppm(&scores(vec![1.0, 1.0, 1.0])).unwrap(), [333_334, 333_333, 333_333]);
        assert_eq!(ppm(&scores(vec![-1.0, 0.0])).unwrap(), [0, 0]);
        assert_eq!(ppm(&scores(vec![])).unwrap(), [0u64; 0]);
    }

    #[test]
    fn the_scale_of_scores_does_not_matter() {
        let base = [0.3f32, 1.7, 0.05];
        let expected = ppm(&scores(base.to_vec())).unwrap();
        for power in [-140, -60, 30, 120] {
            // Subnormal scores have lost bits already: compare those that have not.
            let scaled: Vec<f32> = base.iter().map(|v| (f64::from(*v) * power_of_two(power)) as f32).collect();
            let shares = ppm(&scores(scaled)).unwrap();
            assert_eq!(shares.iter().sum::<u64>(), PPM);
            if power > -120 {
                assert_eq!(shares, expected);
            }
        }
        assert_eq!(ppm(&scores(vec![f32::MAX, f32::MAX])).unwrap(), [500_000, 500_000]);
    }

    #[test]
    fn scores_that_are_not_numbers_are_refused() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            assert!(matches!(ppm(&scores(vec![1.0, bad])), Err(AttributionError::Scores(_))));
        }
    }

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
        fn shares_sum_to_a_million_and_keep_the_order(values in prop::collection::vec(-1e3f32..1e3, 1..40)) {
            let shares = ppm(&scores(values.clone())).unwrap();
            let expected = if values.iter().any(|v| *v > 0.0) { PPM } else { 0 };
            prop_assert_eq!(shares.iter().sum::<u64>(), expected);
            for i in 0..values.len() {
                for j in 0..values.len() {
                    // Rounding to whole parts may swap neighbours by one.
                    prop_assert!(values[i] <= values[j] || shares[i] + 1 >= shares[j]);
                }
            }
        }

        #[test]
        fn combined_shares_sum_to_a_million(
            fees in prop::collection::vec(1u64.., 1..5),
            values in prop::collection::vec(0.1f32..1.0, 1..20),
        ) {
            let shares = ppm(&scores(values)).unwrap();
            let answers: Vec<(u64, &[u64])> = fees.iter().map(|f| (*f, shares.as_slice())).collect();
            let combined = combine(&answers).unwrap();
            prop_assert_eq!(combined.iter().sum::<u64>(), PPM);
            for (c, s) in combined.iter().zip(&shares) {
                prop_assert!(c.abs_diff(*s) <= 1);
            }
        }
    }
}
