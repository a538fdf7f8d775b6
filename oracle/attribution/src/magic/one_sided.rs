//! Goes one training step back with several functionals together, by one pass for each.

use super::{
    adjoint::norm,
    replay::Tape,
    settings::MagicSettings,
    state::{MagicState, StepTrace},
    walk::{both_sides, displaced},
};
use crate::{
    error::{AttributionError, Result},
    vector::dot,
};
use openledger_lm::{Lanes, Trainer, forward_backward, per_example_grads};
use rayon::prelude::*;

/// What a pass gives.
enum Passed {
    /// u·∇ℓᵢ at the run's own parameters, directions × examples of the batch.
    Terms(Vec<Vec<f64>>),
    /// The averaged gradient at displaced parameters.
    Gradient(Vec<f32>),
}

/// A pass over the batch.
enum Pass {
    /// At the run's own parameters.
    Own,
    /// At the parameters displaced along direction `direction`, forwards or backwards.
    Displaced { direction: usize, sign: f64 },
}

/// Takes all `states` from after training step `at` of the tape to before it. They are at the same step of the same run
/// and have the same δ. There is at least one.
///
/// One pass at the run's own parameters gives the per-example terms of all functionals. One pass at θ ± εu for each
/// functional gives its H·u, as the difference to the run's own gradient. The sign alternates from step to step, so that
/// the errors of the second order cancel. At each step one functional in turn is displaced to both sides. Its H·u has
/// no error of the second order, and its asymmetry steers δ for all.
pub(super) fn step_back_together(
    trainer: &Trainer,
    settings: &MagicSettings,
    tape: &Tape,
    at: usize,
    lanes: &Lanes,
    states: &mut [MagicState],
) -> Result<()> {
    let (number, delta) = (states[0].step, states[0].delta);
    let (gradient, before, step) = (&tape.gradients[at], &tape.states[at].params, tape.step(trainer, at));
    let us: Vec<Vec<f64>> = states.par_iter_mut().map(|state| step.back(&mut state.adjoint)).collect();
    let lengths: Vec<f64> = us.iter().map(|u| norm(u.iter().copied())).collect();
    if let Some(bad) = lengths.iter().find(|l| !l.is_finite()) {
        return Err(AttributionError::Adjoint { step: number - 1, reason: format!("of the gradient is {bad}") });
    }
    let sign = if number.is_multiple_of(2) { 1.0 } else { -1.0 };
    let steering = (number % states.len() as u64) as usize;
    // A functional that does not depend on the batch at all has no direction to displace in.
    let moving = |direction: usize| lengths[direction] > 0.0;
    let mut passes = vec![Pass::Own];
    passes.extend((0..us.len()).filter(|k| moving(*k)).map(|direction| Pass::Displaced { direction, sign }));
    if moving(steering) {
        passes.push(Pass::Displaced { direction: steering, sign: -sign });
    }

    let batch = trainer.batch(number - 1)?;
    let size = batch.len() as f64;
    let (base, adapter) = (trainer.base(), trainer.adapter());
    let passed = lanes.map(passes, |pass| -> Result<Passed> {
        Ok(match pass {
            Pass::Own => {
                // The derivative with respect to an example's weight is that of its unweighted loss.
                let unweighted = batch.clone().with_weights(&vec![1.0; batch.len()])?;
                let adapter = adapter.with_flat(before)?;
                let own = per_example_grads(&forward_backward(base, &adapter, &unweighted)?.captures, &adapter)?;
                Passed::Terms(us.par_iter().map(|u| own.iter().map(|g| dot(u, g)).collect()).collect())
            }
            Pass::Displaced { direction, sign } => {
                let epsilon = sign * delta / lengths[direction];
                Passed::Gradient(displaced(base, adapter, &batch, before, &us[direction], epsilon)?.gradient)
            }
        })
    });
    let (mut terms, mut gradients) = (Vec::new(), Vec::new());
    for passed in passed {
        match passed? {
            Passed::Terms(found) => terms = found,
            Passed::Gradient(gradient) => gradients.push(gradient),
        }
    }
    let other = if moving(steering) { gradients.pop() } else { None };
    let mut gradients = gradients.into_iter();
    let (examples, mut asymmetry) = (trainer.plan().batch(number - 1), f64::NAN);
    for (k, state) in states.iter_mut().enumerate() {
        if moving(k) {
            let epsilon = sign * delta / lengths[k];
            let side = gradients.next().expect("each functional that moves has a pass");
            match &other {
                Some(other) if k == steering => {
                    asymmetry = both_sides(&mut state.adjoint.a, [&side, other], gradient, epsilon);
                }
                _ => one_side(&mut state.adjoint.a, &side, gradient, epsilon),
            }
            for (i, term) in examples.iter().zip(&terms[k]) {
                state.derivatives[*i] += term / size;
            }
        }
        let adjoint = norm(state.adjoint.a.iter().map(|a| f64::from(*a)));
        if !adjoint.is_finite() || state.derivatives.iter().any(|d| !d.is_finite()) {
            let reason = format!("of the parameters is {adjoint}, or a derivative beside it is not finite");
            return Err(AttributionError::Adjoint { step: number - 1, reason });
        }
        let found = if k == steering { asymmetry } else { f64::NAN };
        state.trace.push(StepTrace { adjoint, gradient_adjoint: lengths[k], asymmetry: found });
        state.step -= 1;
    }
    let delta = settings.steer(delta, asymmetry);
    states.iter_mut().for_each(|state| state.delta = delta);
    Ok(())
}

/// Adds H·u to the adjoint `a`, from the gradient on one side and the run's own.
fn one_side(a: &mut [f32], side: &[f32], gradient: &[f32], epsilon: f64) {
    for ((a, s), g) in a.iter_mut().zip(side).zip(gradient) {
        *a = (f64::from(*a) + (f64::from(*s) - f64::from(*g)) / epsilon) as f32;
    }
}
