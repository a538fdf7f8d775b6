//! Checks a job's own run by training it again: do its estimates say what leaving documents out really does?
//!
//! The cheap numbers by which a node judges a run ([`JobCheck::agreement`], [`JobCheck::adjoint_at_start`]) stand beside
//! what retraining says, so that it can be measured whether they predict it.

use super::{
    correlation::{slope, spearman},
    retrain::{losses_without, query_losses},
    subsets::leave_out,
};
use openledger_attribution::{
    AttributionError, Attributor, Estimator, Logra, LograSettings, Magic, MagicSettings, Preconditioner,
    ProjectionKind, ProjectionSettings, Query, QueryItem, Result,
    magic::{GradientCache, TrainedRun},
};
use openledger_lm::{BaseModel, Example, TrainConfig};
use serde::{Deserialize, Serialize};
use std::{ops::ControlFlow, path::Path, sync::Arc};

/// What was found about one run. A *change* is the rise of a held-out example's loss if one example is left out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JobCheck {
    /// Mean held-out loss without the adapter, and with it.
    pub loss: [f64; 2],
    /// Positions of the examples that were left out, each by itself.
    pub left_out: Vec<usize>,
    /// Changes, left out × held out.
    pub changes: Vec<Vec<f64>>,
    /// Estimated scores for the mean held-out loss.
    pub estimate: Vec<f64>,
    /// Estimated scores for each held-out example, held out × examples.
    pub each: Vec<Vec<f64>>,
    /// Exact scores for the mean held-out loss.
    pub exact: Vec<f64>,
    /// ‖∂φ/∂θ‖ of the mean held-out loss before the first step.
    pub adjoint_at_start: f64,
}

/// A job: what is trained, and what its training is judged by.
pub struct Job<'a> {
    /// The frozen model.
    pub base: &'a Arc<BaseModel>,
    /// The training settings.
    pub config: &'a TrainConfig,
    /// The training examples.
    pub examples: &'a Arc<[Example]>,
    /// Examples that are not trained on.
    pub held_out: &'a [Example],
    /// The estimate that pays.
    pub estimate: &'a LograSettings,
}

/// An estimate of projected gradients of the adapter's matrices, k × k numbers a layer, as the mean over `states` logged
/// states, with EK-FAC.
pub fn estimate_settings(k: usize, states: usize, damping: f64) -> LograSettings {
    let projection =
        ProjectionSettings { kind: ProjectionKind::Adapter, k_in: k, k_out: k, states, ..Default::default() };
    LograSettings { projection, preconditioner: Preconditioner::Ekfac { damping }, unit_norm: false }
}

impl JobCheck {
    /// Trains the job, estimates, walks back once, and trains again without each of `count` examples, which `seed` draws
    /// (at most all of them). It keeps the run and the index in `scratch`. `progress` gets the number of retrainings done
    /// and in all. It may end the measurement early, and the result is then of those that were done, at least three.
    pub fn measure(
        job: &Job,
        (count, seed): (usize, u64),
        scratch: &Path,
        mut progress: impl FnMut(usize, usize) -> ControlFlow<()>,
    ) -> Result<Self> {
        let (base, config, examples) = (job.base, job.config, job.examples);
        let query = |e: &Example| Query::answer(e.tokens.clone(), e.loss_from);
        let queries = job.held_out.iter().map(query).collect::<Result<Vec<_>>>()?;
        let weight = 1.0 / queries.len() as f32;
        let items = job.held_out.iter().map(|e| QueryItem { tokens: e.tokens.clone(), loss_from: e.loss_from, weight });
        let mean = Query::new(items.collect())?;

        let (run, cache) = TrainedRun::train(base.clone(), config.clone(), examples.clone(), scratch.join("run"))?;
        let adapter = run.adapter()?;
        let of_mean =
            |adapter| Ok::<f64, AttributionError>(query_losses(base, adapter, std::slice::from_ref(&mean))?[0]);
        let loss = [of_mean(None)?, of_mean(Some(&adapter))?];
        let estimator = estimator(job, &run, &scratch.join("index"))?;
        let wide = |query: &Query| -> Result<Vec<f64>> {
            Ok(Attributor::score(&estimator, query)?.values.into_iter().map(f64::from).collect())
        };
        let (estimate, each) = (wide(&mean)?, queries.iter().map(wide).collect::<Result<_>>()?);
        let (exact, adjoint_at_start) = walked(run, cache, &mean)?;

        let subsets = singles(examples.len(), count, seed)?;
        let whole = losses_without(base, config, examples, &[Vec::new()], &queries)?.remove(0);
        let mut changes = Vec::with_capacity(subsets.len());
        // A few at a time, so that progress is told and stopping does not take long.
        for group in subsets.chunks(2 * rayon::current_num_threads()) {
            if progress(changes.len(), subsets.len()).is_break() {
                break;
            }
            for after in losses_without(base, config, examples, group, &queries)? {
                changes.push(after.iter().zip(&whole).map(|(a, w)| a - w).collect());
            }
        }
        let (done, total) = (changes.len(), subsets.len());
        if done < total.min(3) {
            let what = "retrainings; measure again";
            return Err(AttributionError::Stopped { done: done as u64, total: total as u64, what });
        }
        Ok(Self { loss, left_out: subsets[..done].concat(), changes, estimate, each, exact, adjoint_at_start })
    }

    /// Change of the mean held-out loss without each example that was left out.
    pub fn change(&self) -> Vec<f64> {
        self.changes.iter().map(|c| c.iter().sum::<f64>() / c.len() as f64).collect()
    }

    /// Rank correlation of scores for the mean held-out loss with its changes.
    pub fn rank(&self, scores: &[f64]) -> f64 {
        spearman(&self.picked(scores), &self.change())
    }

    /// Slope of the changes of the mean held-out loss on scores for it. 1 is right for exact scores. An estimate has a
    /// scale of its own.
    pub fn slope(&self, scores: &[f64]) -> f64 {
        slope(&self.picked(scores), &self.change())
    }

    /// Mean over the held-out examples of the rank correlation of each one's own scores (held out × examples) with its
    /// own changes. Isolated pay rests on this.
    pub fn rank_of_each(&self, scores: &[Vec<f64>]) -> f64 {
        let of = |(q, scores): (usize, &Vec<f64>)| {
            spearman(&self.picked(scores), &self.changes.iter().map(|c| c[q]).collect::<Vec<_>>())
        };
        scores.iter().enumerate().map(of).sum::<f64>() / scores.len() as f64
    }

    /// Rank correlation, over all examples, of the estimate with the exact scores of the mean held-out loss.
    pub fn agreement(&self) -> f64 {
        spearman(&self.estimate, &self.exact)
    }

    fn picked(&self, scores: &[f64]) -> Vec<f64> {
        self.left_out.iter().map(|i| scores[*i]).collect()
    }
}

/// `count` different examples, or all if there are fewer, each by itself.
fn singles(examples: usize, count: usize, seed: u64) -> Result<Vec<Vec<usize>>> {
    let chosen = if count >= examples {
        (0..examples).collect()
    } else {
        // Half an example more, so that rounding does not take one away.
        leave_out(examples, (count as f64 + 0.5) / examples as f64, 1, seed)?.remove(0)
    };
    Ok(chosen.into_iter().map(|i| vec![i]).collect())
}

fn estimator(job: &Job, run: &TrainedRun, path: &Path) -> Result<Logra> {
    let states = run.spaced_states(job.estimate.projection.states)?;
    let (base, count) = (job.base.clone(), job.examples.len());
    let estimator = Estimator::new(base, job.config, count, &states, job.estimate.clone())?;
    estimator.build(path, job.examples, |_, _| ControlFlow::Continue(()))
}

/// Exact scores of the query, and ‖∂φ/∂θ‖ before the first step.
fn walked(run: TrainedRun, cache: GradientCache, query: &Query) -> Result<(Vec<f64>, f64)> {
    let magic = Magic::new(run, MagicSettings::default())?.with_cache(cache);
    let walked = magic.finish(magic.begin(query)?, &mut |_, _| Ok(()), &mut |_| ControlFlow::Continue(()))?;
    Ok((walked.scores.values.iter().map(|v| f64::from(*v)).collect(), walked.health.adjoint_at_start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{examples, model};

    #[test]
    fn a_run_is_checked_by_leaving_out_each_of_its_examples() {
        let (base, _) = model();
        let all = examples(9);
        let (trained, held_out) = all.split_at(6);
        let trained: Arc<[Example]> = trained.to_vec().into();
        let config = TrainConfig { epochs: 3, batch_size: 2, checkpoint_every: 3, ..Default::default() };
        let estimate = estimate_settings(4, 2, 0.1);
        let job = Job { base: &base, config: &config, examples: &trained, held_out, estimate: &estimate };
        let scratch = tempfile::tempdir().unwrap();
        let mut told = Vec::new();
        let found = JobCheck::measure(&job, (100, 1), scratch.path(), |done, total| {
            told.push((done, total));
            ControlFlow::Continue(())
        })
        .unwrap();
        assert_eq!(found.left_out, [0, 1, 2, 3, 4, 5]);
        assert_eq!((found.changes.len(), found.changes[0].len()), (6, 3));
        assert_eq!(told[0], (0, 6));
        // A walk through so smooth a run predicts what leaving out does.
        assert!(found.rank(&found.exact) > 0.8, "{:?} {:?}", found.exact, found.change());
        assert!((0.5..2.0).contains(&found.slope(&found.exact)), "{}", found.slope(&found.exact));
        assert!(found.adjoint_at_start > 0.0 && found.loss[1] < found.loss[0]);
        let scratch = tempfile::tempdir().unwrap();
        let stopped = JobCheck::measure(&job, (6, 1), scratch.path(), |_, _| ControlFlow::Break(()));
        assert!(matches!(stopped, Err(AttributionError::Stopped { done: 0, total: 6, .. })));
    }

    #[test]
    fn the_measures_are_those_computed_by_hand() {
        let check = JobCheck {
            loss: [2.0, 1.0],
            left_out: vec![2, 0, 1],
            changes: vec![vec![3.0, 5.0], vec![1.0, 1.0], vec![2.0, 0.0]],
            estimate: vec![0.1, 0.2, 0.3, 9.0],
            each: vec![vec![1.0, 2.0, 3.0, 0.0], vec![2.0, 1.0, 3.0, 0.0]],
            exact: vec![2.0, 1.0, 8.0, 9.0],
            adjoint_at_start: 1.0,
        };
        assert_eq!(check.change(), [4.0, 1.0, 1.0]);
        assert!((check.rank(&check.exact) - 0.866).abs() < 1e-3);
        assert!((check.rank_of_each(&check.each) - 1.0).abs() < 1e-12);
        assert!((check.agreement() - 0.8).abs() < 1e-12, "{}", check.agreement());
        // Changes 4, 1, 1 on 8, 2, 1.
        assert!((check.slope(&check.exact) - 0.4535).abs() < 1e-3, "{}", check.slope(&check.exact));
    }

    #[test]
    fn as_many_singles_are_drawn_as_asked_for() {
        for count in [1, 7, 19] {
            let mut all = singles(20, count, 3).unwrap().concat();
            all.dedup();
            assert_eq!(all.len(), count);
        }
        assert_eq!(singles(3, 9, 0).unwrap(), [vec![0], vec![1], vec![2]]);
    }
}
