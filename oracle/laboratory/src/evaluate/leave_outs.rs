//! Measures whether exact scores predict what leaving examples out of training really does.

use super::{
    correlation::{pearson, slope, spearman},
    subsets::leave_out,
};
use openledger_attribution::{
    AttributionError, Query, Result,
    magic::{Health, TrainedRun, Trust, functional},
};
use std::ops::ControlFlow;

/// Slopes of the actual on the predicted change that count as agreement.
const SLOPES: std::ops::RangeInclusive<f64> = 0.5..=2.0;
/// Least correlation of the actual with the predicted change.
const CORRELATION: f64 = 0.7;

/// Changes of φ from leaving random examples out of training.
#[derive(Clone, Debug, PartialEq)]
pub struct LeaveOuts {
    /// Σ −wᵢ·∂φ/∂wᵢ over the examples that are left out.
    pub predicted: Vec<f64>,
    /// φ after training without these examples, minus φ after training with them.
    pub actual: Vec<f64>,
    /// Slope of actual on predicted.
    pub slope: f64,
    /// Pearson's correlation of predicted and actual.
    pub pearson: f64,
    /// Spearman's correlation of predicted and actual.
    pub spearman: f64,
}

impl LeaveOuts {
    /// Draws `count` subsets of `fraction` of the examples ([`leave_out`]). Calls `phi` for φ after training with the
    /// subset's weights set to 0. The first call of `phi` has all `weights` as they are.
    pub fn measure(
        derivatives: &[f64],
        weights: &[f32],
        (count, fraction, seed): (usize, f64, u64),
        mut phi: impl FnMut(Vec<f32>) -> Result<f64>,
    ) -> Result<Self> {
        let examples = weights.len();
        if derivatives.len() != examples {
            return Err(AttributionError::Scores(format!("{} are given for {examples} examples", derivatives.len())));
        }
        if count < 3 {
            return Err(AttributionError::setting("leave_outs", format!("must be at least 3, is {count}")));
        }
        let subsets = leave_out(examples, fraction, count, seed)?;
        let whole = phi(weights.to_vec())?;
        let (mut predicted, mut actual) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for subset in subsets {
            let mut without = weights.to_vec();
            let mut change = 0.0;
            for i in subset {
                change -= f64::from(weights[i]) * derivatives[i];
                without[i] = 0.0;
            }
            predicted.push(change);
            actual.push(phi(without)? - whole);
        }
        Ok(Self {
            slope: slope(&predicted, &actual),
            pearson: pearson(&predicted, &actual),
            spearman: spearman(&predicted, &actual),
            predicted,
            actual,
        })
    }

    /// The verdict on a walk's scores, from the walk's own `health` and from these changes.
    pub fn trust(&self, health: &Health) -> Trust {
        let mut why = match health.trust() {
            Trust::Sound => Vec::new(),
            Trust::Doubtful { why } => why,
        };
        if !SLOPES.contains(&self.slope) {
            why.push(format!(
                "leaving examples out changed the loss by {:.3} times the prediction ({} to {} is sound)",
                self.slope,
                SLOPES.start(),
                SLOPES.end()
            ));
        }
        for (name, correlation) in [("Pearson", self.pearson), ("Spearman", self.spearman)] {
            if correlation < CORRELATION {
                why.push(format!(
                    "{name}'s correlation of predicted with actual changes is {correlation:.3} (at least \
                     {CORRELATION} is sound)"
                ));
            }
        }
        if why.is_empty() { Trust::Sound } else { Trust::Doubtful { why } }
    }
}

/// Retrains `run` without random examples, `(count, fraction, seed)` as in [`LeaveOuts::measure`]. Compares the query's
/// real change with the predicted change. `derivatives` are ∂φ/∂wᵢ of the walk's last state, at step 0. `progress` gets
/// (retrainings done, retrainings in all) and may end the call with [`AttributionError::Stopped`].
pub fn leave_outs(
    run: &TrainedRun,
    query: &Query,
    derivatives: &[f64],
    sampling: (usize, f64, u64),
    mut progress: impl FnMut(u64, u64) -> ControlFlow<()>,
) -> Result<LeaveOuts> {
    let (mut done, total) = (0, sampling.0 as u64 + 1);
    LeaveOuts::measure(derivatives, &run.weights(), sampling, |weights| {
        if progress(done, total).is_break() {
            let what = "retrainings; measure again";
            return Err(AttributionError::Stopped { done, total, what });
        }
        done += 1;
        functional::value(run.base(), &run.retrained(weights)?, query, run.config().batch_size)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The health of a walk that amplifies nothing.
    fn health() -> Health {
        Health { trace: vec![], adjoint_at_start: 1.0, adjoint_largest: 2.0, asymmetry: Some((0.005, 0.02)) }
    }

    #[test]
    fn predictions_that_fail_are_doubtful_by_name() -> Result<()> {
        let derivatives: Vec<f64> = (0..20).map(|i| (i as f64 * 1.3).sin()).collect();
        let weights = [1f32; 20];
        let left = |w: &[f32]| (0..20).filter(|i| w[*i] == 0.0).collect::<Vec<_>>();
        let measure = |effect: &dyn Fn(usize) -> f64| {
            LeaveOuts::measure(&derivatives, &weights, (30, 0.1, 7), |w| {
                Ok(left(&w).into_iter().map(effect).sum::<f64>() + 5.0)
            })
        };
        let sound = measure(&|i| -derivatives[i])?;
        assert!((sound.slope - 1.0).abs() < 1e-9 && (sound.spearman - 1.0).abs() < 1e-9);
        assert_eq!(sound.predicted.len(), 30);
        assert_eq!(sound.trust(&health()), Trust::Sound);

        let weak = measure(&|i| -0.1 * derivatives[i])?.trust(&health());
        let warning = weak.warning().unwrap();
        assert!(warning.contains("0.100 times the prediction") && !warning.contains("Pearson"), "{warning}");
        let unrelated = measure(&|i| (i as f64 * 7.7).cos())?.trust(&health());
        assert!(unrelated.warning().unwrap().contains("Spearman"));
        Ok(())
    }

    #[test]
    fn bad_settings_are_refused() {
        let measure = |sampling| LeaveOuts::measure(&[0.0; 4], &[1.0; 4], sampling, |_| Ok(0.0));
        assert!(matches!(measure((2, 0.5, 0)), Err(AttributionError::Setting { field: "leave_outs", .. })));
        assert!(matches!(measure((9, 1.0, 0)), Err(AttributionError::Setting { field: "fraction", .. })));
        assert!(LeaveOuts::measure(&[0.0; 3], &[1.0; 4], (9, 0.5, 0), |_| Ok(0.0)).is_err());
    }
}
