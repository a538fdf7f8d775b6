//! Replays the training steps of a segment.

use super::{adjoint::Step, cache::GradientCache, run::TrainedRun};
use crate::error::{AttributionError, Result};
use openledger_lm::{
    TrainState, Trainer,
    train::{LogEntry, clip_scale, global_norm},
};

/// A segment's steps: the gradient of each, the state before the first step, and the state after each.
pub(crate) struct Tape {
    /// Averaged batch gradients before clipping.
    pub(crate) gradients: Vec<Vec<f32>>,
    /// The states. There is one more of them than of gradients.
    pub(crate) states: Vec<TrainState>,
}

impl Tape {
    /// Training step `at` of the tape, with the numbers that the run used.
    pub(crate) fn step(&self, trainer: &Trainer, at: usize) -> Step<'_> {
        let (gradient, before, after) = (&self.gradients[at], &self.states[at], &self.states[at + 1]);
        let norm = global_norm(gradient);
        Step {
            optimizer: trainer.optimizer(),
            number: after.step,
            learning_rate: trainer.learning_rate(before.step),
            gradient,
            norm,
            clip_scale: clip_scale(norm, trainer.config().clip_norm),
            m: &after.m,
            v: &after.v,
        }
    }
}

/// Replays the steps between two logged states. Uses the kept gradients if there are any, and keeps the gradients
/// otherwise. The last state equals that of the log, bit for bit or within the run's band. `between` is called after each step that is computed.
pub(crate) fn replay(
    run: &TrainedRun,
    cache: Option<&GradientCache>,
    from: &LogEntry,
    to: &LogEntry,
    between: &mut dyn FnMut(),
) -> Result<Tape> {
    let start = run.logged(from)?;
    let mut trainer = run.trainer()?.with_state(start.clone())?;
    if let Some(cache) = cache
        && let Some(gradients) = cache.get(from.step, to.step, start.params.len())
    {
        let tape = through_optimizer(&trainer, start.clone(), gradients);
        if end(&tape)?.hash()? == to.state_hash {
            return Ok(tape);
        }
        tracing::warn!(
            from = from.step,
            to = to.step,
            folder = %cache.path(from.step).display(),
            "kept gradients do not lead to the logged state; computing them again"
        );
    }
    let mut tape = Tape { gradients: Vec::new(), states: vec![start] };
    while trainer.state().step < to.step {
        let report = trainer.step()?;
        tape.gradients.push(report.gradient);
        tape.states.push(trainer.state().clone());
        between();
    }
    let found = end(&tape)?.hash()?;
    if found != to.state_hash && !run.counts_as(&tape.states[0], end(&tape)?, to)? {
        return Err(AttributionError::DoesNotReplay {
            from: from.step,
            to: to.step,
            expected: hex::encode(to.state_hash),
            found: hex::encode(found),
        });
    }
    // Kept gradients must lead to the logged state to the bit.
    if let Some(cache) = cache.filter(|_| found == to.state_hash) {
        (from.step..).zip(&tape.gradients).for_each(|(step, gradient)| cache.put(step, gradient));
    }
    Ok(tape)
}

/// The steps that follow from these gradients, elementwise and without the model.
fn through_optimizer(trainer: &Trainer, start: TrainState, gradients: Vec<Vec<f32>>) -> Tape {
    let mut state = start.clone();
    let mut states = vec![start];
    for gradient in &gradients {
        let scale = clip_scale(global_norm(gradient), trainer.config().clip_norm);
        let rate = trainer.learning_rate(state.step);
        trainer.optimizer().update_scaled(&mut state, gradient, scale, rate);
        states.push(state.clone());
    }
    Tape { gradients, states }
}

fn end(tape: &Tape) -> Result<&TrainState> {
    tape.states.last().ok_or_else(|| AttributionError::Log("a segment has no steps".into()))
}
