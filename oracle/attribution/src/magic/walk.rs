//! Goes one training step back.

use super::{
    adjoint::norm,
    replay::Tape,
    settings::MagicSettings,
    state::{MagicState, StepTrace},
};
use crate::error::{AttributionError, Result};
use openledger_lm::{Adapter, BaseModel, Batch, Lanes, Trainer, forward_backward, lora_grads};

/// Takes `state` from after training step `at` of the tape to before it. This is the run's step `state.step − 1`. Each
/// of the two passes takes a lane.
pub(crate) fn step_back(
    trainer: &Trainer,
    settings: &MagicSettings,
    tape: &Tape,
    at: usize,
    lanes: &Lanes,
    state: &mut MagicState,
) -> Result<()> {
    let number = state.step;
    let (gradient, before) = (&tape.gradients[at], &tape.states[at]);
    let step = tape.step(trainer, at);
    let u = step.back(&mut state.adjoint);
    let u_norm = norm(u.iter().copied());
    if !u_norm.is_finite() {
        return Err(AttributionError::Adjoint { step: number - 1, reason: format!("of the gradient is {u_norm}") });
    }
    let mut asymmetry = f64::NAN;
    // If φ does not depend on the batch at all, there is no direction to displace in.
    if u_norm > 0.0 {
        let epsilon = state.delta / u_norm;
        let batch = trainer.batch(number - 1)?;
        let (base, adapter) = (trainer.base(), trainer.adapter());
        let side = |sign: f64| displaced(base, adapter, &batch, &before.params, &u, sign * epsilon);
        let mut sides = lanes.map([1.0, -1.0], side).into_iter();
        let mut next = || sides.next().expect("there are two");
        let (plus, minus) = (next()?, next()?);

        let size = batch.len() as f64;
        for (i, (p, m)) in trainer.plan().batch(number - 1).into_iter().zip(plus.losses.iter().zip(&minus.losses)) {
            state.derivatives[i] += (f64::from(*p) - f64::from(*m)) / (2.0 * epsilon) / size;
        }
        asymmetry = both_sides(&mut state.adjoint.a, [&plus.gradient, &minus.gradient], gradient, epsilon);
        state.delta = settings.steer(state.delta, asymmetry);
    }
    let adjoint = norm(state.adjoint.a.iter().map(|a| f64::from(*a)));
    if !adjoint.is_finite() || state.derivatives.iter().any(|d| !d.is_finite()) {
        let reason = format!("of the parameters is {adjoint}, or a loss beside them is not finite");
        return Err(AttributionError::Adjoint { step: number - 1, reason });
    }
    state.step -= 1;
    state.trace.push(StepTrace { adjoint, gradient_adjoint: u_norm, asymmetry });
    Ok(())
}

/// Losses of the batch's examples and its averaged gradient at θ + `factor`·u.
pub(super) struct Displaced {
    losses: Vec<f32>,
    pub(super) gradient: Vec<f32>,
}

pub(super) fn displaced(
    base: &BaseModel,
    adapter: &Adapter,
    batch: &Batch,
    params: &[f32],
    u: &[f64],
    factor: f64,
) -> Result<Displaced> {
    let moved: Vec<f32> = params.iter().zip(u).map(|(p, u)| (f64::from(*p) + factor * u) as f32).collect();
    let adapter = adapter.with_flat(&moved)?;
    let out = forward_backward(base, &adapter, batch)?;
    let mut gradient = lora_grads(&out.captures, &adapter)?;
    let size = batch.len() as f32;
    gradient.iter_mut().for_each(|g| *g /= size);
    Ok(Displaced { losses: out.per_example_loss, gradient })
}

/// Adds H·u to the adjoint `a`, from the gradients on both sides. Returns their asymmetry about the run's own gradient.
pub(super) fn both_sides(a: &mut [f32], [plus, minus]: [&[f32]; 2], gradient: &[f32], epsilon: f64) -> f64 {
    let (mut odd, mut even) = (0f64, 0f64);
    for (((a, p), m), g) in a.iter_mut().zip(plus).zip(minus).zip(gradient) {
        let (p, m, g) = (f64::from(*p), f64::from(*m), f64::from(*g));
        *a = (f64::from(*a) + (p - m) / (2.0 * epsilon)) as f32;
        odd += (p - m) * (p - m);
        even += (p + m - 2.0 * g) * (p + m - 2.0 * g);
    }
    (even / odd).sqrt()
}
