//! Takes off every score what noise alone would earn.
//!
//! An example that has nothing to do with a query scores near zero, above or below by chance. Negative scores earn
//! nothing, but positive ones would. m pieces of junk would be paid in proportion to m.
//!
//! The scores *below* zero show how far chance reaches, because no document that helped can hide them. Their median
//! says where the noise lies. The distance from the median to the lower quartile says how wide it is. The two are kept
//! apart because unrelated documents compete for the model's parameters: their median is often below zero even with
//! exact scores. A floor that counted all of that as width would take the pay of documents that helped.
//!
//! The floor lies a multiple of the width above the median. A score earns what it has above the floor. This is
//! continuous, so operators whose scores differ in the last bits stay close. The smaller the pieces of a document are,
//! the less of them is left.
//!
//! There is no floor if fewer than a quarter of the tokens are in documents that do harm. Nobody can move it far with
//! fewer, because one very harmful document counts as one document.

use crate::quantile::weighted_quantile;

/// max(0, v − floor) for every value v. `values` gives each value with its number of tokens, and each counts as often
/// as it has tokens. Let c be the median of the values' negative parts, which are 0 for positive values. Let q be their
/// lower quartile. The floor is c + `multiple`·(c − q), but not below 0.
pub fn above_noise(values: &[(f64, u64)], multiple: f64) -> Vec<f64> {
    let below = |numerator, denominator| {
        let negative = values.iter().map(|(value, tokens)| (value.min(0.0), *tokens)).collect();
        weighted_quantile(negative, numerator, denominator).unwrap_or(0.0)
    };
    let (centre, quartile) = (below(1, 2), below(1, 4));
    let floor = (centre + multiple * (centre - quartile)).max(0.0);
    values.iter().map(|(value, _)| (value - floor).max(0.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_noise_reaches_below_zero_is_not_paid_above_it() {
        let noise = [-2.0, -1.0, 0.0, 1.0, 2.0, 30.0].map(|v| (v, 1));
        // The noise is centred on 0, and at least a quarter of the tokens reach down to −1.
        assert_eq!(above_noise(&noise, 3.0), [0.0, 0.0, 0.0, 0.0, 0.0, 27.0]);
        assert_eq!(above_noise(&noise, 0.0), [0.0, 0.0, 0.0, 1.0, 2.0, 30.0]);
        assert!(above_noise(&[], 3.0).is_empty());
    }

    #[test]
    fn noise_that_does_harm_on_the_whole_does_not_take_the_pay_of_those_who_helped() {
        let noise = [-6.0, -5.0, -5.0, -4.0, -3.0, 6.0, 7.0].map(|v| (v, 1));
        // The noise is around −4 and reaches down to −5. So the floor is −4 + 3·1 = −1, which counts as 0.
        assert_eq!(above_noise(&noise, 3.0), [0.0, 0.0, 0.0, 0.0, 0.0, 6.0, 7.0]);
        assert_eq!(above_noise(&noise, 6.0), [0.0, 0.0, 0.0, 0.0, 0.0, 4.0, 5.0]);
    }

    #[test]
    fn one_harmful_document_takes_nobodys_pay() {
        let values = [-1e9, 1.0, 2.0, 3.0, 4.0].map(|v| (v, 1));
        assert_eq!(above_noise(&values, 3.0), [0.0, 1.0, 2.0, 3.0, 4.0]);
    }

    proptest! {
        #[test]
        fn pieces_that_each_help_get_no_more_than_the_whole(
            pieces in prop::collection::vec((0f64..10.0, 1u64..9), 1..6),
            others in prop::collection::vec((-10f64..10.0, 1u64..9), 1..20),
            multiple in 0f64..5.0,
        ) {
            let whole = (pieces.iter().map(|p| p.0).sum::<f64>(), pieces.iter().map(|p| p.1).sum::<u64>());
            let paid_whole = above_noise(&[&[whole], others.as_slice()].concat(), multiple);
            let paid_pieces = above_noise(&[pieces.as_slice(), &others].concat(), multiple);
            prop_assert!(paid_pieces[..pieces.len()].iter().sum::<f64>() <= paid_whole[0] + 1e-9);
            prop_assert_eq!(&paid_pieces[pieces.len()..], &paid_whole[1..]);
        }
    }
}
