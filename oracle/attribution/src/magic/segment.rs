//! The parts of a walk: where it begins, and which logged steps it goes between.

use super::{adjoint::Adjoint, functional, run::TrainedRun, settings::MagicSettings, state::MagicState};
use crate::{
    attributor::Query,
    error::{AttributionError, Result},
};
use openledger_lm::{Digest, train::LogEntry};

/// The state where a walk begins: the run's end, with the gradient of the query's losses.
pub(super) fn begin(run: &TrainedRun, job: Digest, settings: &MagicSettings, query: &Query) -> Result<MagicState> {
    let per_pass = run.config().batch_size;
    let gradient = functional::gradient(run.base(), &run.adapter()?, query, per_pass)?;
    let weight = query.items().iter().map(|i| f64::from(i.weight.abs())).sum();
    Ok(begin_with(run, job, settings, (gradient, weight), functional::query_hash(query)))
}

/// The state at the run's end for a functional with this gradient and weight there. `functional` is its hash.
pub(super) fn begin_with(
    run: &TrainedRun,
    job: Digest,
    settings: &MagicSettings,
    (gradient, weight): (Vec<f32>, f64),
    functional: Digest,
) -> MagicState {
    MagicState {
        job,
        functional,
        step: run.total_steps(),
        adjoint: Adjoint::of_parameters(gradient),
        weight,
        delta: settings.first_step,
        derivatives: vec![0.0; run.ids().len()],
        trace: Vec::new(),
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
