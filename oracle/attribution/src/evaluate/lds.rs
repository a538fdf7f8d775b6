//! The linear datamodeling score (Park et al. 2023, arXiv:2303.14186): how well sums of scores rank the losses of models
//! that were really trained without a subset.

use super::{correlation::spearman, rng};
use crate::error::{AttributionError, Result};
use serde::Serialize;

/// Resamplings behind a confidence interval.
const RESAMPLES: usize = 1000;

/// The score of a method.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Lds {
    /// Mean over the queries of the rank correlation over the subsets.
    pub mean: f64,
    /// Lower end of the 95 % confidence interval, from resampling subsets and queries.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// The rank correlation of each query.
    pub per_query: Vec<f64>,
}

/// By how much a query's loss should rise when the examples in `removed` are left out: Σ of their scores.
pub fn predicted(scores: &[f32], removed: &[usize]) -> f64 {
    removed.iter().map(|i| f64::from(scores[*i])).sum()
}

/// Compares, for each query, predictions with actual changes of its loss over the same subsets. `predicted` and `actual`
/// are queries × subsets; at least one query and two subsets.
pub fn lds(predicted: &[Vec<f64>], actual: &[Vec<f64>], seed: u64) -> Result<Lds> {
    let subsets = actual.first().map_or(0, Vec::len);
    let fits = |lists: &[Vec<f64>]| lists.iter().all(|l| l.len() == subsets && l.iter().all(|v| v.is_finite()));
    if subsets < 2 || predicted.len() != actual.len() || !fits(predicted) || !fits(actual) {
        return Err(AttributionError::Scores(format!(
            "the linear datamodeling score compares finite values of the same queries and subsets, at least two subsets; \
             given {} queries of predictions and {} of losses over {subsets} subsets",
            predicted.len(),
            actual.len()
        )));
    }
    let per_query: Vec<f64> = predicted.iter().zip(actual).map(|(p, a)| spearman(p, a)).collect();
    let mut rng = rng::seeded(seed, 0);
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let chosen: Vec<usize> = (0..subsets).map(|_| rng::below(&mut rng, subsets)).collect();
            let pick = |list: &[f64]| chosen.iter().map(|s| list[*s]).collect::<Vec<_>>();
            let sum: f64 = (0..actual.len())
                .map(|_| {
                    let query = rng::below(&mut rng, actual.len());
                    spearman(&pick(&predicted[query]), &pick(&actual[query]))
                })
                .sum();
            sum / actual.len() as f64
        })
        .collect();
    means.sort_by(f64::total_cmp);
    let at = |share: f64| means[(share * (RESAMPLES - 1) as f64).round() as usize];
    Ok(Lds { mean: per_query.iter().sum::<f64>() / per_query.len() as f64, low: at(0.025), high: at(0.975), per_query })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_is_over_queries_and_the_interval_holds_it() {
        let actual = vec![vec![1.0, 2.0, 3.0, 4.0, 5.0], vec![1.0, 2.0, 3.0, 4.0, 5.0]];
        let predicted = vec![vec![2.0, 1.0, 4.0, 3.0, 5.0], vec![5.0, 4.0, 3.0, 2.0, 1.0]];
        let found = lds(&predicted, &actual, 1).unwrap();
        assert!((found.per_query[0] - 0.8).abs() < 1e-12 && (found.per_query[1] + 1.0).abs() < 1e-12);
        assert!((found.mean + 0.1).abs() < 1e-12);
        assert!(found.low < found.mean && found.mean < found.high);
        assert_eq!(lds(&predicted, &actual, 1).unwrap(), found);
        let noisy = vec![(0..30).map(|i| (f64::from(i) * 2.3).sin()).collect::<Vec<_>>(); 2];
        let straight = vec![(0..30).map(f64::from).collect::<Vec<_>>(); 2];
        assert_ne!(lds(&noisy, &straight, 1).unwrap().low, lds(&noisy, &straight, 2).unwrap().low);
    }

    #[test]
    fn a_perfect_prediction_scores_one_with_a_narrow_interval() {
        let actual = vec![(0..40).map(|i| f64::from(i * i)).collect::<Vec<_>>(); 3];
        let found = lds(&actual, &actual, 0).unwrap();
        assert!((found.mean - 1.0).abs() < 1e-12 && (found.low - 1.0).abs() < 1e-12);
    }

    #[test]
    fn lists_that_do_not_fit_are_refused() {
        let two = vec![vec![1.0, 2.0]];
        for (p, a) in [
            (vec![], two.clone()),
            (two.clone(), vec![vec![1.0]]),
            (vec![vec![1.0]], vec![vec![1.0]]),
            (vec![vec![1.0, f64::NAN]], two.clone()),
        ] {
            assert!(lds(&p, &a, 0).is_err());
        }
    }

    #[test]
    fn a_prediction_is_the_sum_of_the_removed_scores() {
        assert_eq!(predicted(&[1.0, -2.0, 4.0], &[0, 2]), 5.0);
    }
}
