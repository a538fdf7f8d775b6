//! The parts of a walk: where it begins, and which logged steps it goes between.

use super::{adjoint::Adjoint, functional, run::TrainedRun, settings::MagicSettings, state::MagicState};
use crate::{
    attributor::Query,
    error::{AttributionError, Result},
};
use openledger_lm::{Digest, train::LogEntry};

/// Where a walk through a run begins: a functional φ of the parameters that the run ends with.
pub(super) struct Start {
    /// Hash of the query. If the walk came from an adapter trained on this one, it is the hash of the child's last
    /// state.
    pub(super) functional: Digest,
    /// ∂φ/∂θ at the run's end.
    gradient: Vec<f32>,
    /// Σ |weight| of the query's items.
    weight: f64,
}

impl Start {
    /// φ is the weighted sum of the query's losses.
    pub(super) fn of_query(run: &TrainedRun, query: &Query) -> Result<Self> {
        let per_pass = run.config().batch_size;
        let gradient = functional::gradient(run.base(), &run.adapter()?, query, per_pass)?;
        let weight = query.items().iter().map(|i| f64::from(i.weight.abs())).sum();
        Ok(Self { functional: functional::query_hash(query), gradient, weight })
    }

    /// φ is what the walk through a child's run was for. `end` is that walk's state at step 0. Fails if the child did
    /// not begin with the adapter that `run` ended with.
    pub(super) fn of_child(run: &TrainedRun, child: &TrainedRun, end: &MagicState) -> Result<Self> {
        if end.step != 0 {
            return Err(AttributionError::MagicState(format!(
                "the child's walk is at step {}; finish it before going on into the parent's run",
                end.step
            )));
        }
        if !child.starts_with(&run.adapter()?.to_flat()?)? {
            return Err(AttributionError::Log(
                "the child's run did not begin with the adapter that this run ended with; give the child's own parent"
                    .into(),
            ));
        }
        Ok(Self { functional: end.hash()?, gradient: end.adjoint.a.clone(), weight: end.weight })
    }

    /// The state of job `job` at the run's end.
    pub(super) fn state(&self, run: &TrainedRun, job: Digest, settings: &MagicSettings) -> MagicState {
        MagicState {
            job,
            functional: self.functional,
            step: run.total_steps(),
            adjoint: Adjoint::of_parameters(self.gradient.clone()),
            weight: self.weight,
            delta: settings.first_step,
            derivatives: vec![0.0; run.ids().len()],
            trace: Vec::new(),
        }
    }
}

/// The two logged steps of the segment that a walk takes from `state`. Fails if the state is of another job or length,
/// or is not at a logged step.
pub(super) fn segment_before<'a>(run: &'a TrainedRun, job: Digest, state: &MagicState) -> Result<[&'a LogEntry; 2]> {
    let error = |reason: String| Err(AttributionError::MagicState(reason));
    if state.job != job {
        return error(format!(
            "it belongs to job {}, this one is {}; use the state of this run and these settings",
            hex::encode(state.job),
            hex::encode(job)
        ));
    }
    let entries = &run.log().entries;
    let walked = run.total_steps().checked_sub(state.step);
    if walked != Some(state.trace.len() as u64)
        || state.derivatives.len() != run.ids().len()
        || state.adjoint.a.len() != run.parameters()?
        || !(state.delta > 0.0 && state.delta.is_finite())
    {
        return error(format!("at step {} its parts do not fit the run; begin again", state.step));
    }
    match entries.iter().position(|e| e.step == state.step) {
        Some(0) => Ok([&entries[0], &entries[0]]),
        Some(i) => Ok([&entries[i - 1], &entries[i]]),
        None => error(format!("the run logged no state at step {}; begin again", state.step)),
    }
}
