//! The result of a walk.

use super::{health::Health, run::TrainedRun, segment::segment_before, state::MagicState};
use crate::{
    attributor::Scores,
    error::{AttributionError, Result},
};
use openledger_lm::Digest;

/// The result of a walk.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Scores of the run's examples: −∂φ/∂wᵢ. A score is positive if training on the example lowered φ.
    pub scores: Scores,
    /// What the walk measured about whether its scores can be trusted.
    pub health: Health,
    /// The last state, at step 0. A walk continues from it into a parent's run.
    pub end: MagicState,
}

impl Outcome {
    /// The result in the last state of a walk through `run`. Fails if the state is of another job or not at step 0.
    pub(super) fn of(run: &TrainedRun, job: Digest, end: MagicState) -> Result<Self> {
        segment_before(run, job, &end)?;
        if end.step != 0 {
            return Err(AttributionError::MagicState(format!("it is at step {}; walk on to step 0", end.step)));
        }
        // 0 − x keeps the score of an example that was in no batch from being −0.
        let values = end.derivatives.iter().map(|d| (0.0 - d) as f32).collect();
        let scores = Scores { ids: run.ids().clone(), values };
        Ok(Self { scores, health: Health::of(&end), end })
    }
}
