//! The largest share of a pool that one document may have.
//!
//! What is above the cap goes to the other documents in proportion to their weights. The cap holds for them too. If no
//! document is left that can take more, the rest is *unallocated*: it stays in the pool.
//!
//! A cap that binds is evaded by splitting: k pieces have k caps, and get at most share/cap times what the whole
//! document got. The ledger cannot tell whether two identities are one person. So the only cure is a cap above what an
//! honest document reaches. If no share exceeds the cap, splitting gains nothing. The cap is the last resort against a
//! single document that takes a whole pool. It is no means to spread pay.

use openledger_protocol::allocate::largest_remainder;

/// Divides `whole` in proportion to `weights`, with no part above `cap`. Returns the parts and the rest. Parts and rest
/// sum to `whole`, or to zero if all weights are zero. Ties go to the lower index. A weight must be below 2^44.
pub fn capped_shares(whole: u64, weights: &[u64], cap: u64) -> (Vec<u64>, u64) {
    if weights.iter().all(|w| *w == 0) {
        return (vec![0; weights.len()], 0);
    }
    let mut capped = vec![false; weights.len()];
    loop {
        let amount = whole.saturating_sub(cap.saturating_mul(capped.iter().filter(|c| **c).count() as u64));
        let rest: Vec<u64> = weights.iter().zip(&capped).map(|(w, c)| if *c { 0 } else { *w }).collect();
        let total: u128 = rest.iter().map(|w| u128::from(*w)).sum();
        // The test is amount·w/total > cap, computed exactly. A capped part raises the share of the others, so the test
        // is repeated until no part is above the cap.
        let above = |w: &u64| u128::from(amount) * u128::from(*w) > u128::from(cap) * total;
        let newly: Vec<usize> = (0..rest.len()).filter(|i| above(&rest[*i])).collect();
        if newly.is_empty() {
            let mut parts = largest_remainder(amount, &rest);
            let unallocated = if total == 0 { amount } else { 0 };
            for (part, _) in parts.iter_mut().zip(&capped).filter(|(_, c)| **c) {
                *part = cap;
            }
            return (parts, unallocated);
        }
        for i in newly {
            capped[i] = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openledger_protocol::allocate::PPM;
    use proptest::prelude::*;

    #[test]
    fn what_is_above_the_cap_goes_to_the_others_in_proportion() {
        assert_eq!(capped_shares(PPM, &[8, 1, 1], 600_000), (vec![600_000, 200_000, 200_000], 0));
        // The first part falls from 800,000 to 400,000. The second would get 600,000·3/4 = 450,000, and falls to
        // 400,000 too. The third takes the rest.
        assert_eq!(capped_shares(PPM, &[16, 3, 1], 400_000), (vec![400_000, 400_000, 200_000], 0));
        assert_eq!(capped_shares(PPM, &[3, 1], PPM), (vec![750_000, 250_000], 0));
    }

    #[test]
    fn where_everybody_is_capped_the_rest_is_unallocated() {
        assert_eq!(capped_shares(PPM, &[5, 1, 0], 300_000), (vec![300_000, 300_000, 0], 400_000));
        assert_eq!(capped_shares(PPM, &[0, 0], 300_000), (vec![0, 0], 0));
        assert_eq!(capped_shares(PPM, &[], 1), (vec![], 0));
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nobody_exceeds_the_cap(
            weights in prop::collection::vec(0u64..1 << 41, 0..30),
            cap in 1u64..=PPM,
        ) {
            let (parts, unallocated) = capped_shares(PPM, &weights, cap);
            let earning = weights.iter().filter(|w| **w > 0).count() as u64;
            prop_assert_eq!(parts.iter().sum::<u64>() + unallocated, if earning == 0 { 0 } else { PPM });
            prop_assert!(parts.iter().all(|p| *p <= cap));
            // Something is left exactly if the caps of all documents that earn sum to less than the pool.
            prop_assert_eq!(unallocated, if earning == 0 { 0 } else { PPM.saturating_sub(earning * cap) });
            for (w, p) in weights.iter().zip(&parts) {
                prop_assert!(*w > 0 || *p == 0);
                for (v, q) in weights.iter().zip(&parts) {
                    prop_assert!(w < v || p + 1 >= *q);
                }
            }
        }

        #[test]
        fn a_split_gains_nothing_where_the_cap_does_not_bind(
            pieces in prop::collection::vec(1u64..1 << 38, 1..6),
            others in prop::collection::vec(1u64..1 << 41, 2..10),
        ) {
            let whole = [&[pieces.iter().sum::<u64>()], others.as_slice()].concat();
            let (uncapped, _) = capped_shares(PPM, &whole, PPM);
            let cap = uncapped.iter().max().unwrap() + 1;
            let (parts, _) = capped_shares(PPM, &[pieces.as_slice(), &others].concat(), cap);
            prop_assert!(parts[..pieces.len()].iter().sum::<u64>() <= uncapped[0] + pieces.len() as u64);
        }
    }
}
