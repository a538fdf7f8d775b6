//! The linear datamodeling score (Park et al. 2023, arXiv:2303.14186). It says how well sums of scores rank the losses
//! of models that were really trained without a subset.

use super::{correlation::spearman, rng};
use openledger_attribution::{AttributionError, Result};
use serde::Serialize;

/// Number of resamplings behind a confidence interval.
const RESAMPLES: usize = 1000;

/// The score of a method.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Lds {
    /// Mean over the queries of the rank correlation over the subsets, or of its difference.
    pub mean: f64,
    /// Lower end of the 95 % confidence interval, from resampling subsets and queries.
    pub low: f64,
    /// Upper end of the same interval.
    pub high: f64,
    /// The value of each query, job after job.
    pub per_query: Vec<f64>,
}

/// How much a query's loss should rise when the examples in `removed` are left out: the sum of their scores.
pub fn predicted(scores: &[f32], removed: &[usize]) -> f64 {
    removed.iter().map(|i| f64::from(scores[*i])).sum()
}

/// A method's predictions for the queries and subsets of one job, and what really happened.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    /// How much each query's loss should have risen, queries × subsets.
    pub predicted: &'a [Vec<f64>],
    /// How much it really rose, queries × subsets.
    pub actual: &'a [Vec<f64>],
}

impl Judged<'_> {
    fn subsets(&self) -> usize {
        self.actual.first().map_or(0, Vec::len)
    }

    /// Fails if the lists do not fit each other, a number is not finite, or there are fewer than two subsets.
    fn check(&self) -> Result<()> {
        let subsets = self.subsets();
        let fits = |lists: &[Vec<f64>]| lists.iter().all(|l| l.len() == subsets && l.iter().all(|v| v.is_finite()));
        if subsets < 2 || self.predicted.len() != self.actual.len() || !fits(self.predicted) || !fits(self.actual) {
            return Err(AttributionError::Scores(format!(
                "the linear datamodeling score compares finite values of the same queries and subsets, at least two \
                 subsets; given {} queries of predictions and {} of losses over {subsets} subsets",
                self.predicted.len(),
                self.actual.len()
            )));
        }
        Ok(())
    }

    fn correlation(&self, query: usize, subsets: &[usize]) -> f64 {
        let pick = |list: &[f64]| subsets.iter().map(|s| list[*s]).collect::<Vec<_>>();
        spearman(&pick(&self.predicted[query]), &pick(&self.actual[query]))
    }
}

/// Compares for each query the predictions with the actual changes of its loss over the same subsets. The result is the
/// mean over the queries of one job, or of several independent jobs. There must be at least one job, one query in each
/// job, and two subsets.
pub fn lds(jobs: &[Judged], seed: u64) -> Result<Lds> {
    summary(jobs, seed, |job, query, subsets| jobs[job].correlation(query, subsets))
}

/// How much higher method `a` scores than method `b` on the same jobs. Both are resampled together, so that what is
/// hard for both does not widen the interval.
pub fn lds_difference(a: &[Judged], b: &[Judged], seed: u64) -> Result<Lds> {
    if a.len() != b.len() || a.iter().zip(b).any(|(a, b)| a.actual != b.actual) {
        let reason = "methods to compare must be judged on the same jobs, queries and subsets";
        return Err(AttributionError::Scores(reason.into()));
    }
    b.iter().try_for_each(Judged::check)?;
    summary(a, seed, |job, query, subsets| a[job].correlation(query, subsets) - b[job].correlation(query, subsets))
}

/// The mean of `value`, which takes a job, one of its queries and some of its subsets. The interval comes from
/// resampling queries and subsets within each job.
fn summary(jobs: &[Judged], seed: u64, value: impl Fn(usize, usize, &[usize]) -> f64) -> Result<Lds> {
    jobs.iter().try_for_each(Judged::check)?;
    let queries: usize = jobs.iter().map(|job| job.actual.len()).sum();
    if queries == 0 {
        return Err(AttributionError::Scores("there is no query to judge; give at least one".into()));
    }
    let per_query: Vec<f64> = (0..jobs.len())
        .flat_map(|job| (0..jobs[job].actual.len()).map(move |query| (job, query)))
        .map(|(job, query)| value(job, query, &(0..jobs[job].subsets()).collect::<Vec<_>>()))
        .collect();
    let mut rng = rng::seeded(seed, 0);
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let mut sum = 0.0;
            for (index, job) in jobs.iter().enumerate() {
                let chosen: Vec<usize> = (0..job.subsets()).map(|_| rng::below(&mut rng, job.subsets())).collect();
                for _ in 0..job.actual.len() {
                    sum += value(index, rng::below(&mut rng, job.actual.len()), &chosen);
                }
            }
            sum / queries as f64
        })
        .collect();
    means.sort_by(f64::total_cmp);
    let at = |share: f64| means[(share * (RESAMPLES - 1) as f64).round() as usize];
    Ok(Lds { mean: per_query.iter().sum::<f64>() / queries as f64, low: at(0.025), high: at(0.975), per_query })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(predicted: &[Vec<f64>], actual: &[Vec<f64>], seed: u64) -> Result<Lds> {
        lds(&[Judged { predicted, actual }], seed)
    }

    #[test]
    fn the_mean_is_over_queries_and_the_interval_holds_it() {
        let actual = vec![vec![1.0, 2.0, 3.0, 4.0, 5.0], vec![1.0, 2.0, 3.0, 4.0, 5.0]];
        let predicted = vec![vec![2.0, 1.0, 4.0, 3.0, 5.0], vec![5.0, 4.0, 3.0, 2.0, 1.0]];
        let found = of(&predicted, &actual, 1).unwrap();
        assert!((found.per_query[0] - 0.8).abs() < 1e-12 && (found.per_query[1] + 1.0).abs() < 1e-12);
        assert!((found.mean + 0.1).abs() < 1e-12);
        assert!(found.low < found.mean && found.mean < found.high);
        assert_eq!(of(&predicted, &actual, 1).unwrap(), found);
        let noisy = vec![(0..30).map(|i| (f64::from(i) * 2.3).sin()).collect::<Vec<_>>(); 2];
        let straight = vec![(0..30).map(f64::from).collect::<Vec<_>>(); 2];
        assert_ne!(of(&noisy, &straight, 1).unwrap().low, of(&noisy, &straight, 2).unwrap().low);
    }

    #[test]
    fn a_perfect_prediction_scores_one_with_a_narrow_interval() {
        let actual = vec![(0..40).map(|i| f64::from(i * i)).collect::<Vec<_>>(); 3];
        let found = of(&actual, &actual, 0).unwrap();
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
            assert!(of(&p, &a, 0).is_err());
        }
    }

    #[test]
    fn several_jobs_count_by_their_queries_and_one_twice_is_as_good_as_once() {
        let noisy = vec![(0..30).map(|i| (f64::from(i) * 2.3).sin()).collect::<Vec<_>>(); 2];
        let straight = vec![(0..30).map(f64::from).collect::<Vec<_>>(); 2];
        let one = Judged { predicted: &noisy, actual: &straight };
        let perfect = Judged { predicted: &straight, actual: &straight };
        let (once, twice) = (lds(&[one], 0).unwrap(), lds(&[one, one], 0).unwrap());
        assert!((once.mean - twice.mean).abs() < 1e-12 && twice.per_query.len() == 4);
        assert!(twice.high - twice.low < once.high - once.low);
        assert!((lds(&[one, perfect], 0).unwrap().mean - (once.mean + 1.0) / 2.0).abs() < 1e-12);
    }

    #[test]
    fn a_method_is_no_better_than_itself_and_worse_than_a_perfect_one() {
        let noisy = vec![(0..30).map(|i| (f64::from(i) * 2.3).sin()).collect::<Vec<_>>(); 2];
        let straight = vec![(0..30).map(f64::from).collect::<Vec<_>>(); 2];
        let (one, perfect) =
            ([Judged { predicted: &noisy, actual: &straight }], [Judged { predicted: &straight, actual: &straight }]);
        let none = lds_difference(&one, &one, 0).unwrap();
        assert_eq!((none.mean, none.low, none.high), (0.0, 0.0, 0.0));
        let worse = lds_difference(&one, &perfect, 0).unwrap();
        assert!(worse.high < 0.0 && (worse.mean - (lds(&one, 0).unwrap().mean - 1.0)).abs() < 1e-12);
        let elsewhere = [Judged { predicted: &noisy, actual: &noisy }];
        assert!(lds_difference(&one, &elsewhere, 0).is_err() && lds(&[], 0).is_err());
    }

    #[test]
    fn a_prediction_is_the_sum_of_the_removed_scores() {
        assert_eq!(predicted(&[1.0, -2.0, 4.0], &[0, 2]), 5.0);
    }
}
