//! Weights: what each document earns of an amount, as integers that sum to a fixed whole. They are what a receipt names
//! and what a settlement adds up, so their bytes and their rounding are part of the protocol.

use crate::allocate::{PPM, largest_remainder};
use std::vec::Vec;

/// The sum of all weights: 10¹². An amount of less than 1,000 OPEN is divided to the base unit.
pub const WHOLE: u64 = 1_000_000_000_000;

/// Most documents that one vector of weights is for.
pub const MOST: usize = 1 << 20;

/// One weight for each document, in a fixed order. They sum to [`WHOLE`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weights(Vec<u64>);

impl Weights {
    /// Weights in proportion to `parts`, by the largest remainder. `None` if all parts are zero or there are more than
    /// [`MOST`].
    pub fn in_proportion(parts: &[u64]) -> Option<Self> {
        let some = parts.len() <= MOST && parts.iter().any(|p| *p > 0);
        some.then(|| Self(largest_remainder(WHOLE, parts)))
    }

    /// The mean of several weights of the same documents. `None` if there are none, or if they are of different numbers
    /// of documents.
    pub fn mean<'a>(all: impl IntoIterator<Item = &'a Self>) -> Option<Self> {
        let mut all = all.into_iter();
        let mut sums = all.next()?.0.clone();
        for weights in all {
            if weights.0.len() != sums.len() {
                return None;
            }
            for (sum, weight) in sums.iter_mut().zip(&weights.0) {
                *sum = sum.checked_add(*weight)?;
            }
        }
        Self::in_proportion(&sums)
    }

    /// Reads what [`Self::to_bytes`] writes. `None` if the bytes are not `count` weights that sum to [`WHOLE`].
    pub fn from_bytes(bytes: &[u8], count: usize) -> Option<Self> {
        if count > MOST || bytes.len() != count * 8 {
            return None;
        }
        let (words, _) = bytes.as_chunks::<8>();
        let weights: Vec<u64> = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
        let sum = weights.iter().try_fold(0u64, |sum, weight| sum.checked_add(*weight))?;
        (sum == WHOLE).then_some(Self(weights))
    }

    /// The weights in their order, 8 bytes each, little-endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|weight| weight.to_le_bytes()).collect()
    }

    /// The weights in their order.
    pub fn values(&self) -> &[u64] {
        &self.0
    }

    /// What each document gets of `amount` base units. The parts sum to it exactly.
    pub fn divide(&self, amount: u64) -> Vec<u64> {
        largest_remainder(amount, &self.0)
    }

    /// Σ |a − b| in parts per million of [`WHOLE`], rounded up: 0 for equal weights, 2,000,000 for disjoint ones. `None`
    /// if the numbers of documents differ.
    pub fn distance_ppm(&self, other: &Self) -> Option<u64> {
        let same = self.0.len() == other.0.len();
        let sum = || self.0.iter().zip(&other.0).map(|(a, b)| a.abs_diff(*b)).sum::<u64>();
        same.then(|| sum().div_ceil(WHOLE / PPM))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn weights(parts: &[u64]) -> Weights {
        Weights::in_proportion(parts).unwrap()
    }

    #[test]
    fn a_long_tail_does_not_round_to_nothing() {
        let mut parts = vec![1_000_000_000];
        parts.extend([1; 1000]);
        let divided = weights(&parts).divide(1_000_000_000);
        assert!(divided[1..].iter().all(|part| *part >= 1), "a document with a billionth of the weight earns");
        assert_eq!(divided.iter().sum::<u64>(), 1_000_000_000);
    }

    #[test]
    fn the_distance_is_that_of_the_shares() {
        let distance = |a: &[u64], b: &[u64]| weights(a).distance_ppm(&weights(b));
        assert_eq!(distance(&[1, 1], &[5, 5]), Some(0));
        assert_eq!(distance(&[1, 0], &[0, 9]), Some(2_000_000));
        assert_eq!(distance(&[500_001, 499_999], &[1, 1]), Some(2));
        assert_eq!(distance(&[1], &[1, 1]), None);
        let one_off = [WHOLE / 2 + 1, WHOLE / 2 - 1];
        assert_eq!(distance(&one_off, &[1, 1]), Some(1), "whatever differs is more than nothing");
    }

    #[test]
    fn nothing_but_weights_is_read() {
        let good = weights(&[3, 4, 0]).to_bytes();
        assert_eq!(Weights::from_bytes(&good, 3).unwrap(), weights(&[3, 4, 0]));
        assert_eq!(Weights::from_bytes(&good, 2), None);
        assert_eq!(Weights::from_bytes(&good[1..], 3), None);
        let mut more = good.clone();
        more[16] = 1;
        assert_eq!(Weights::from_bytes(&more, 3), None, "they sum to one more than the whole");
        assert_eq!(Weights::from_bytes(&[255; 16], 2), None, "their sum exceeds u64");
        assert_eq!(Weights::from_bytes(&[], 0), None);
        assert_eq!(Weights::in_proportion(&[0, 0]), None);
    }

    proptest! {
        #[test]
        fn weights_sum_to_the_whole_and_what_they_divide_to_the_amount(
            parts in prop::collection::vec(0u64..1 << 41, 1..40), amount in any::<u64>(),
        ) {
            prop_assume!(parts.iter().any(|p| *p > 0));
            let weights = weights(&parts);
            prop_assert_eq!(weights.values().iter().sum::<u64>(), WHOLE);
            prop_assert_eq!(weights.divide(amount).iter().map(|p| u128::from(*p)).sum::<u128>(), u128::from(amount));
            prop_assert!(parts.iter().zip(weights.divide(amount)).all(|(part, paid)| *part > 0 || paid == 0));
            prop_assert_eq!(Weights::from_bytes(&weights.to_bytes(), parts.len()), Some(weights));
        }

        #[test]
        fn a_mean_lies_between_and_of_equal_ones_is_the_same(
            a in prop::collection::vec(1u64..1 << 41, 5), b in prop::collection::vec(1u64..1 << 41, 5),
        ) {
            let (a, b) = (weights(&a), weights(&b));
            prop_assert_eq!(Weights::mean([&a, &a, &a]).unwrap(), a.clone());
            let mean = Weights::mean([&a, &b]).unwrap();
            for ((m, x), y) in mean.values().iter().zip(a.values()).zip(b.values()) {
                prop_assert!(m + 1 >= *x.min(y) && *m <= x.max(y) + 1);
            }
        }
    }
}
