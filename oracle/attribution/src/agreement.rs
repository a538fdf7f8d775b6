//! How far an estimate of an answer's scores agrees with exact ones, by what both would pay.

use crate::{
    attributor::Scores,
    correlation::spearman,
    error::{AttributionError, Result},
};
use serde::{Deserialize, Serialize};

/// The agreement of estimated with exact scores. Isolated pay is the sum over the answers of each answer's *share*: the
/// positive part of its own scores, divided by their sum.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// Spearman's rank correlation of an answer's scores, mean over the answers, from −1 to 1.
    pub spearman: f64,
    /// Spearman's rank correlation of isolated pay *beyond what the sizes of scores alone earn*, from −1 to 1. The part
    /// that sizes alone earn is |s| / Σ|s|. A long or badly learned document has large scores for everything and earns
    /// from their positive halves. So isolated pay correlates highly between methods that agree on no sign, and this
    /// number is about 0 for them.
    pub net: f64,
    /// Total variation between the two shares of an answer, mean over the answers, from 0 to 1.
    pub total_variation: f64,
}

/// The agreement of the estimate of one answer's scores with the exact ones. See [`agreement_of_answers`].
pub fn agreement(estimate: &Scores, exact: &Scores) -> Result<Agreement> {
    agreement_of_answers(std::slice::from_ref(estimate), std::slice::from_ref(exact))
}

/// The agreement of estimates with exact scores, over answers in the same order. Fails if there is no answer, or if the
/// two sides are not of the same answers and examples.
pub fn agreement_of_answers(estimates: &[Scores], exact: &[Scores]) -> Result<Agreement> {
    let refuse = |reason: String| Err(AttributionError::Scores(reason));
    if estimates.len() != exact.len() || estimates.is_empty() {
        let (found, wanted) = (estimates.len(), exact.len());
        return refuse(format!(
            "{found} estimates and {wanted} exact scores are given; give one of each for an answer"
        ));
    }
    let count = estimates[0].ids.len();
    if count == 0 || estimates.iter().chain(exact).any(|s| s.ids != estimates[0].ids || s.values.len() != count) {
        return refuse("they are not of the same examples in the same order; score both on one list".into());
    }
    let (mut rank, mut variation) = (0.0, 0.0);
    let mut net = [vec![0.0; count], vec![0.0; count]];
    for pair in estimates.iter().zip(exact) {
        let pair = [pair.0, pair.1].map(|scores| scores.values.iter().map(|v| f64::from(*v)).collect::<Vec<_>>());
        rank += spearman(&pair[0], &pair[1]);
        let shares = pair.each_ref().map(|values| shares(values, |s| s.max(0.0)));
        variation += shares[0].iter().zip(&shares[1]).map(|(a, b)| (a - b).abs()).sum::<f64>() / 2.0;
        for ((net, values), earned) in net.iter_mut().zip(&pair).zip(&shares) {
            let sizes = self::shares(values, f64::abs);
            net.iter_mut().zip(earned).zip(&sizes).for_each(|((net, earned), size)| *net += earned - size);
        }
    }
    let answers = estimates.len() as f64;
    Ok(Agreement { spearman: rank / answers, net: spearman(&net[0], &net[1]), total_variation: variation / answers })
}

/// `part` of each value, divided by the sum of all. Zeros if the sum is 0.
fn shares(values: &[f64], part: impl Fn(f64) -> f64) -> Vec<f64> {
    let total: f64 = values.iter().map(|v| part(*v)).sum();
    values.iter().map(|v| if total > 0.0 { part(*v) / total } else { 0.0 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(values: &[f32]) -> Scores {
        Scores { ids: (0..values.len()).map(|i| [i as u8; 32]).collect(), values: values.to_vec() }
    }

    /// A fixed sign for each answer and example, as if drawn by lot.
    fn lot(seed: u32, answer: u32, example: u32) -> f32 {
        let mut x =
            seed.wrapping_mul(0x9e37_79b9) ^ answer.wrapping_mul(0x85eb_ca6b) ^ example.wrapping_mul(0xc2b2_ae35);
        x = (x ^ (x >> 16)).wrapping_mul(0x7feb_352d);
        x = (x ^ (x >> 15)).wrapping_mul(0x846c_a68b);
        if (x ^ (x >> 16)) & 1 == 0 { 1.0 } else { -1.0 }
    }

    #[test]
    fn scores_agree_fully_with_themselves_at_any_scale_and_not_with_their_opposite() -> Result<()> {
        let exact = scores(&[3.0, -1.0, 0.5, -0.2, 0.0]);
        let own = agreement(&scores(&exact.values.iter().map(|v| 7.0 * v).collect::<Vec<_>>()), &exact)?;
        assert!((own.spearman - 1.0).abs() < 1e-12 && (own.net - 1.0).abs() < 1e-12 && own.total_variation < 1e-6);
        let opposite = agreement(&scores(&exact.values.iter().map(|v| -v).collect::<Vec<_>>()), &exact)?;
        assert!((opposite.spearman + 1.0).abs() < 1e-12 && (opposite.total_variation - 1.0).abs() < 1e-12);
        assert!(opposite.net < 0.0);
        Ok(())
    }

    #[test]
    fn numbers_are_those_computed_by_hand() -> Result<()> {
        // Shares are (3/4, 1/4, 0) and (1/2, 0, 1/2). Sizes alone earn (3/5, 1/5, 1/5) and (1/4, 1/2, 1/4). So the net
        // pay is (.15, .05, −.2) and (.25, −.5, .25): ranks (3, 2, 1) and (2.5, 1, 2.5).
        let found = agreement(&scores(&[3.0, 1.0, -1.0]), &scores(&[1.0, -2.0, 1.0]))?;
        assert!((found.total_variation - 0.5).abs() < 1e-12);
        assert!((found.net - 0.0).abs() < 1e-12 && (found.spearman - 0.0).abs() < 1e-12, "{found:?}");
        Ok(())
    }

    #[test]
    fn sizes_without_signs_agree_in_pay_but_not_net() -> Result<()> {
        let (answers, examples) = (12, 300);
        let by_lot = |seed: u32| -> Vec<Scores> {
            let size = |i: u32| 1.0 + 20.0 * ((i as f32 * 0.7).sin().powi(4));
            (0..answers)
                .map(|a| scores(&(0..examples).map(|i| size(i) * lot(seed, a, i)).collect::<Vec<_>>()))
                .collect()
        };
        let paid = |all: &[Scores]| -> Vec<f64> {
            let mut sum = vec![0.0; examples as usize];
            for scores in all {
                let values: Vec<f64> = scores.values.iter().map(|v| f64::from(*v)).collect();
                sum.iter_mut().zip(shares(&values, |s| s.max(0.0))).for_each(|(sum, share)| *sum += share);
            }
            sum
        };
        let (a, b) = (by_lot(1), by_lot(2));
        assert!(spearman(&paid(&a), &paid(&b)) > 0.6, "sizes alone make pay alike");
        assert!(agreement_of_answers(&a, &b)?.net.abs() < 0.15, "{:?}", agreement_of_answers(&a, &b)?);
        Ok(())
    }

    #[test]
    fn scores_of_other_examples_or_of_no_answer_are_refused() {
        let (a, b) = (scores(&[1.0, 2.0]), scores(&[1.0, 2.0, 3.0]));
        assert!(agreement(&a, &b).is_err());
        assert!(agreement_of_answers(&[], &[]).is_err());
        assert!(agreement_of_answers(&[a.clone()], &[a.clone(), a]).is_err());
        assert!(agreement(&scores(&[]), &scores(&[])).is_err());
    }
}
