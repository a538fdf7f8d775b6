//! Judges whether the scores of a run can be trusted, as far as the walk itself shows.

use super::state::{MagicState, StepTrace};

/// Limit of ‖∂φ/∂θ‖ before the first training step, per unit of the query's weight. Above it, training amplifies too
/// much.
const ADJOINT_LIMIT: f64 = 25.0;

/// What a walk measured about its own scores.
#[derive(Clone, Debug, PartialEq)]
pub struct Health {
    /// The steps, last training step first.
    pub trace: Vec<StepTrace>,
    /// ‖∂φ/∂θ‖ before the first training step, per unit of the query's weight. It says how much training amplifies a
    /// change.
    pub adjoint_at_start: f64,
    /// The largest such norm over all steps.
    pub adjoint_largest: f64,
    /// Smallest and largest asymmetry of the displaced gradients. `None` if φ depends on no batch.
    pub asymmetry: Option<(f64, f64)>,
}

/// A verdict on scores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// The walk shows nothing against them.
    Sound,
    /// They may be wrong.
    Doubtful {
        /// The reasons, one sentence each.
        why: Vec<String>,
    },
}

impl Trust {
    /// A warning for whoever uses the scores. `None` if they are sound.
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
    /// The health that the finished walk shows.
    pub fn of(end: &MagicState) -> Self {
        let unit = if end.weight > 0.0 { end.weight } else { 1.0 };
        let asymmetries = || end.trace.iter().map(|t| t.asymmetry).filter(|r| r.is_finite());
        Self {
            adjoint_at_start: end.trace.last().map_or(0.0, |t| t.adjoint / unit),
            adjoint_largest: end.trace.iter().fold(0.0, |m, t| f64::max(m, t.adjoint / unit)),
            asymmetry: asymmetries().reduce(f64::min).zip(asymmetries().reduce(f64::max)),
            trace: end.trace.clone(),
        }
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
        if why.is_empty() { Trust::Sound } else { Trust::Doubtful { why } }
    }
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
        let health = Health::of(&end(20.0, 1.0));
        assert_eq!((health.adjoint_at_start, health.asymmetry), (20.0, Some((0.005, 0.02))));
        assert_eq!(health.trust(), Trust::Sound);
        assert_eq!(health.trust().warning(), None);
        assert_eq!(Health::of(&end(20_000.0, 1_000.0)).trust(), Trust::Sound);
        for bad in [end(50.0, 1.0), end(f64::NAN, 1.0)] {
            let warning = Health::of(&bad).trust().warning().unwrap();
            assert!(warning.contains("amplified") && warning.contains("learning rate"), "{warning}");
        }
    }
}
