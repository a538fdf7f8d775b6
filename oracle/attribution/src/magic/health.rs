//! Whether the scores of a run can be trusted, measured.

use super::{
    functional,
    run::TrainedRun,
    state::{MagicState, StepTrace},
};
use crate::{
    attributor::Query,
    error::{AttributionError, Result},
    evaluate::{
        correlation::{pearson, slope, spearman},
        subsets::leave_out,
    },
};
use std::ops::ControlFlow;

/// ‖∂φ/∂θ‖ before the first training step, per unit of the query's weight, over which training amplifies too much.
const ADJOINT_LIMIT: f64 = 100.0;
/// Slopes of the actual on the predicted change that still say the same thing.
const SLOPES: std::ops::RangeInclusive<f64> = 0.5..=2.0;
/// Least correlation of the actual with the predicted change.
const CORRELATION: f64 = 0.7;

/// What a walk and sampled retrainings say about its scores.
#[derive(Clone, Debug, PartialEq)]
pub struct Health {
    /// The steps, last training step first.
    pub trace: Vec<StepTrace>,
    /// ‖∂φ/∂θ‖ before the first training step, per unit of the query's weight: how much training amplifies a change.
    pub adjoint_at_start: f64,
    /// The largest such norm of all steps.
    pub adjoint_largest: f64,
    /// Smallest and largest asymmetry of the displaced gradients; `None` where φ depends on no batch.
    pub asymmetry: Option<(f64, f64)>,
    /// Predicted against actual changes, where they were measured.
    pub leave_outs: Option<LeaveOuts>,
}

/// A verdict on scores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Nothing speaks against them.
    Sound,
    /// They may be wrong.
    Doubtful {
        /// What was found, one sentence each.
        why: Vec<String>,
    },
}

impl Trust {
    /// What to tell whoever is about to use the scores; `None` where they are sound.
    pub fn warning(&self) -> Option<String> {
        match self {
            Trust::Sound => None,
            Trust::Doubtful { why } => Some(format!(
                "these scores are not to be trusted: {}. Train with a lower learning rate or a longer warm-up",
                why.join("; ")
            )),
        }
    }
}

impl Health {
    /// What the finished walk shows by itself.
    pub fn of(end: &MagicState) -> Self {
        let unit = if end.weight > 0.0 { end.weight } else { 1.0 };
        let asymmetries = || end.trace.iter().map(|t| t.asymmetry).filter(|r| r.is_finite());
        Self {
            adjoint_at_start: end.trace.last().map_or(0.0, |t| t.adjoint / unit),
            adjoint_largest: end.trace.iter().fold(0.0, |m, t| f64::max(m, t.adjoint / unit)),
            asymmetry: asymmetries().reduce(f64::min).zip(asymmetries().reduce(f64::max)),
            trace: end.trace.clone(),
            leave_outs: None,
        }
    }

    /// With measured changes.
    pub fn with_leave_outs(mut self, leave_outs: LeaveOuts) -> Self {
        self.leave_outs = Some(leave_outs);
        self
    }

    /// The verdict.
    pub fn trust(&self) -> Trust {
        let mut why = Vec::new();
        if self.adjoint_at_start.is_nan() || self.adjoint_at_start > ADJOINT_LIMIT {
            why.push(format!(
                "a change of the first parameters is amplified {:.3} times by training (at most {ADJOINT_LIMIT} is sound)",
                self.adjoint_at_start
            ));
        }
        if let Some(l) = &self.leave_outs {
            if !SLOPES.contains(&l.slope) {
                why.push(format!(
                    "leaving examples out changed the loss by {:.3} times the prediction ({} to {} is sound)",
                    l.slope,
                    SLOPES.start(),
                    SLOPES.end()
                ));
            }
            for (name, correlation) in [("Pearson", l.pearson), ("Spearman", l.spearman)] {
                if correlation < CORRELATION {
                    why.push(format!(
                        "{name}'s correlation of predicted with actual changes is {correlation:.3} (at least \
                         {CORRELATION} is sound)"
                    ));
                }
            }
        }
        if why.is_empty() { Trust::Sound } else { Trust::Doubtful { why } }
    }
}

/// Changes of φ from leaving random examples out of training.
#[derive(Clone, Debug, PartialEq)]
pub struct LeaveOuts {
    /// Σ −wᵢ·∂φ/∂wᵢ over the examples left out.
    pub predicted: Vec<f64>,
    /// φ after training without them, less φ after training with them.
    pub actual: Vec<f64>,
    /// Slope of actual on predicted.
    pub slope: f64,
    /// Pearson's correlation of the two.
    pub pearson: f64,
    /// Spearman's.
    pub spearman: f64,
}

impl LeaveOuts {
    /// Draws `count` subsets of `fraction` of the examples ([`leave_out`]) and asks `phi` for φ after
    /// training with the subset's weights set to 0. `phi` is first asked with all `weights` as they are.
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
}

/// Retrains `run` without random examples, `(count, fraction, seed)` as in [`LeaveOuts::measure`], and compares the
/// query's real change with the one that `derivatives` (∂φ/∂wᵢ of [`MagicState`] at step 0) predict. `progress` is
/// told (retrainings done, of how many) and may end it with [`AttributionError::Stopped`].
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
    use crate::magic::adjoint::Adjoint;

    fn end(adjoint: f64, weight: f64) -> MagicState {
        let step = |adjoint, asymmetry| StepTrace { adjoint, gradient_adjoint: 1.0, asymmetry };
        MagicState {
            job: [0; 32],
            functional: [0; 32],
            step: 0,
            adjoint: Adjoint::of_parameters(vec![]),
            weight,
            delta: 0.01,
            derivatives: vec![],
            trace: vec![step(1.0, 0.02), step(2.0, f64::NAN), step(adjoint, 0.005)],
        }
    }

    #[test]
    fn an_amplified_adjoint_is_doubtful_whatever_the_fees() {
        let health = Health::of(&end(50.0, 1.0));
        assert_eq!((health.adjoint_at_start, health.asymmetry), (50.0, Some((0.005, 0.02))));
        assert_eq!(health.trust(), Trust::Sound);
        assert_eq!(health.trust().warning(), None);
        assert_eq!(Health::of(&end(50_000.0, 1_000.0)).trust(), Trust::Sound);
        for bad in [end(200.0, 1.0), end(f64::NAN, 1.0)] {
            let warning = Health::of(&bad).trust().warning().unwrap();
            assert!(warning.contains("amplified") && warning.contains("learning rate"), "{warning}");
        }
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
        assert_eq!(Health::of(&end(1.0, 1.0)).with_leave_outs(sound).trust(), Trust::Sound);

        let weak = Health::of(&end(1.0, 1.0)).with_leave_outs(measure(&|i| -0.1 * derivatives[i])?);
        let warning = weak.trust().warning().unwrap();
        assert!(warning.contains("0.100 times the prediction") && !warning.contains("Pearson"), "{warning}");
        let unrelated = Health::of(&end(1.0, 1.0)).with_leave_outs(measure(&|i| (i as f64 * 7.7).cos())?);
        assert!(unrelated.trust().warning().unwrap().contains("Spearman"));
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
