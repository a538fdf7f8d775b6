//! Turns scores into integers: takes their positive parts and scales them by an exact power of two.

use crate::error::{PayError, Result};
use openledger_protocol::{
    Hash32,
    allocate::{PPM, largest_remainder},
};

/// Number of bits that the largest score keeps when scores become integers.
const PRECISION: i32 = 40;

/// Shares of the scores' positive parts, in parts per million, without any of the rules against gaming. They are for
/// showing, not for paying. They sum to 1,000,000, or are all zero if no score is positive. `ids` names the document of
/// each score. Fails if a score is NaN or infinite.
pub fn ppm(ids: &[Hash32], scores: &[f32]) -> Result<Vec<u64>> {
    check_finite(ids, scores)?;
    let values: Vec<f64> = scores.iter().map(|v| f64::from(*v)).collect();
    Ok(largest_remainder(PPM, &integer_weights(&values)))
}

/// Fails if a score is NaN or infinite.
pub(crate) fn check_finite(ids: &[Hash32], scores: &[f32]) -> Result<()> {
    match scores.iter().position(|v| !v.is_finite()) {
        None => Ok(()),
        Some(i) => {
            let id = hex::encode(ids[i]);
            Err(PayError::Scores(format!("that of example {id} is {}", scores[i])))
        }
    }
}

/// The positive parts of finite scores as integers below 2^41. All are zero if no score is positive.
///
/// A score s becomes ⌊s · 2^(40 − e)⌋, where 2^e ≤ s_max < 2^(e+1). Scaling by a power of two is exact, so the result
/// does not depend on the machine. Scores below 2^-900 count as zero.
pub fn integer_weights(values: &[f64]) -> Vec<u64> {
    let max = values.iter().fold(0f64, |m, v| m.max(*v));
    if max < power_of_two(-900) {
        return vec![0; values.len()];
    }
    let shift = PRECISION - exponent(max);
    // The power is split into two halves, each of which is a normal number for every shift.
    let (first, second) = (power_of_two(shift / 2), power_of_two(shift - shift / 2));
    values.iter().map(|v| (v.max(0.0) * first * second) as u64).collect()
}

/// ⌊log₂ x⌋ of a positive normal f64.
fn exponent(x: f64) -> i32 {
    (x.to_bits() >> 52) as i32 - 1023
}

/// 2^n, exactly. n must be in the range of normal f64.
fn power_of_two(n: i32) -> f64 {
    f64::from_bits(((n + 1023) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ppm(scores: &[f32]) -> Result<Vec<u64>> {
        super::ppm(&vec![[0; 32]; scores.len()], scores)
    }

    #[test]
    fn negative_scores_earn_nothing_and_the_rest_is_in_proportion() {
        assert_eq!(ppm(&[1.0, -5.0, 3.0, 0.0]).unwrap(), [250_000, 0, 750_000, 0]);
        assert_eq!(ppm(&[1.0, 1.0, 1.0]).unwrap(), [333_334, 333_333, 333_333]);
        assert_eq!(ppm(&[-1.0, 0.0]).unwrap(), [0, 0]);
        assert_eq!(ppm(&[]).unwrap(), [0u64; 0]);
    }

    #[test]
    fn the_scale_of_scores_does_not_matter() {
        let base = [0.3f32, 1.7, 0.05];
        let expected = ppm(&base).unwrap();
        for power in [-140, -60, 30, 120] {
            // Subnormal scores have lost bits already, so only the others are compared.
            let scaled: Vec<f32> = base.iter().map(|v| (f64::from(*v) * power_of_two(power)) as f32).collect();
            let shares = ppm(&scaled).unwrap();
            assert_eq!(shares.iter().sum::<u64>(), PPM);
            if power > -120 {
                assert_eq!(shares, expected);
            }
        }
        assert_eq!(ppm(&[f32::MAX, f32::MAX]).unwrap(), [500_000, 500_000]);
        for power in [-899, 1000] {
            let weights = integer_weights(&[power_of_two(power), 3.0 * power_of_two(power)]);
            assert_eq!(weights, [1 << 39, 3 << 39], "2^{power}");
        }
        assert_eq!(integer_weights(&[f64::from_bits(1), -1.0]), [0, 0]);
    }

    #[test]
    fn scores_that_are_not_numbers_are_refused() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            assert!(matches!(ppm(&[1.0, bad]), Err(PayError::Scores(_))));
        }
    }

    proptest! {
        #[test]
        fn shares_sum_to_a_million_and_keep_the_order(values in prop::collection::vec(-1e3f32..1e3, 1..40)) {
            let shares = ppm(&values).unwrap();
            let expected = if values.iter().any(|v| *v > 0.0) { PPM } else { 0 };
            prop_assert_eq!(shares.iter().sum::<u64>(), expected);
            for i in 0..values.len() {
                for j in 0..values.len() {
                    // Rounding to whole parts may swap neighbours by one.
                    prop_assert!(values[i] <= values[j] || shares[i] + 1 >= shares[j]);
                }
            }
        }
    }
}
