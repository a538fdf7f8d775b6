//! The ground truth of attribution: subsets that are left out of the training, and the real change from each.

use super::{
    lds::{Judged, Lds, lds, predicted},
    retrain::{query_losses, train_without},
};
use openledger_attribution::{AttributionError, Query, Result};
use openledger_lm::{Adapter, BaseModel, Example, TrainConfig};
use std::{ops::ControlFlow, sync::Arc};

/// Subsets of one kind. They are left out one at a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Regime {
    /// Name of the kind, for example `leave 50 %`.
    pub name: String,
    /// Positions of the examples that each subset leaves out.
    pub removed: Vec<Vec<usize>>,
    /// How much each query's loss rose without the subset, queries × subsets.
    pub actual: Vec<Vec<f64>>,
}

impl Regime {
    /// Trains again without each of the subsets. `adapter` is what the job trained with all examples. `progress` gets
    /// the number of subsets that are done and may end the measurement.
    #[allow(clippy::too_many_arguments)] // what a job is made of, and what is asked about it
    pub fn measure(
        name: impl Into<String>,
        removed: Vec<Vec<usize>>,
        base: &Arc<BaseModel>,
        config: &TrainConfig,
        examples: &Arc<[Example]>,
        adapter: &Adapter,
        queries: &[Query],
        mut progress: impl FnMut(usize) -> ControlFlow<()>,
    ) -> Result<Self> {
        let whole = query_losses(base, Some(adapter), queries)?;
        let mut actual = vec![Vec::with_capacity(removed.len()); queries.len()];
        for (done, subset) in removed.iter().enumerate() {
            let without = train_without(base, config, examples, subset)?;
            for ((changes, loss), whole) in
                actual.iter_mut().zip(query_losses(base, Some(&without), queries)?).zip(&whole)
            {
                changes.push(loss - whole);
            }
            if progress(done + 1).is_break() {
                return Err(AttributionError::Stopped {
                    done: done as u64 + 1,
                    total: removed.len() as u64,
                    what: "retrainings; measure again from the start",
                });
            }
        }
        Ok(Self { name: name.into(), removed, actual })
    }

    /// Mean size of the measured changes.
    pub fn mean_change(&self) -> f64 {
        let count = self.actual.iter().map(Vec::len).sum::<usize>();
        self.actual.iter().flatten().map(|v| v.abs()).sum::<f64>() / count as f64
    }

    /// How much each query's loss should have risen by these scores (queries × examples). The result is queries ×
    /// subsets.
    pub fn predicted(&self, scores: &[Vec<f32>]) -> Vec<Vec<f64>> {
        scores.iter().map(|s| self.removed.iter().map(|r| predicted(s, r)).collect()).collect()
    }

    /// How well scores (queries × examples) rank the changes. `seed` is that of the confidence interval.
    pub fn lds(&self, scores: &[Vec<f32>], seed: u64) -> Result<Lds> {
        lds(&[Judged { predicted: &self.predicted(scores), actual: &self.actual }], seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{examples, model};

    #[test]
    fn leaving_out_what_is_asked_for_changes_the_answer_most_and_stopping_is_an_error() {
        let (base, _) = model();
        let examples: Arc<[Example]> = examples(4).into();
        let config = TrainConfig { epochs: 3, batch_size: 2, ..Default::default() };
        let adapter = train_without(&base, &config, &examples, &[]).unwrap();
        let query = Query::answer(examples[2].tokens.clone(), 1).unwrap();
        let measure = |progress: fn(usize) -> ControlFlow<()>| {
            let removed = vec![vec![2], vec![0], vec![]];
            Regime::measure("one", removed, &base, &config, &examples, &adapter, std::slice::from_ref(&query), progress)
        };
        let regime = measure(|_| ControlFlow::Continue(())).unwrap();
        let changes = &regime.actual[0];
        assert!(changes[0] > changes[1].abs() && changes[2] == 0.0, "{changes:?}");
        assert!((regime.mean_change() - changes.iter().map(|c| c.abs()).sum::<f64>() / 3.0).abs() < 1e-12);
        // The scores predict the order of the changes: the right example first, then the other example, then none.
        assert!(regime.lds(&[vec![0.1, 0.0, 1.0, 0.0]], 0).unwrap().mean > 0.4);
        assert!(matches!(
            measure(|_| ControlFlow::Break(())),
            Err(AttributionError::Stopped { done: 1, total: 3, .. })
        ));
    }
}
