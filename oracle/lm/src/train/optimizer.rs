//! AdamW (Loshchilov & Hutter 2019), elementwise in f32.

use super::{config::TrainConfig, state::TrainState};

/// The optimiser's constants. One update with gradient g, learning rate η, at step number n ≥ 1:
/// m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², m̂ = m/(1−β₁ⁿ), v̂ = v/(1−β₂ⁿ),
/// θ ← (1−ηλ)θ − η·m̂/(√(v̂ + ε_root) + ε).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamW {
    /// β₁.
    pub beta1: f32,
    /// β₂.
    pub beta2: f32,
    /// ε.
    pub eps: f32,
    /// ε_root.
    pub eps_root: f32,
    /// λ.
    pub weight_decay: f32,
}

impl AdamW {
    /// The constants of a job.
    pub fn new(config: &TrainConfig) -> Self {
        Self {
            beta1: config.beta1 as f32,
            beta2: config.beta2 as f32,
            eps: config.eps as f32,
            eps_root: config.eps_root as f32,
            weight_decay: config.weight_decay as f32,
        }
    }

    /// (1−β₁ⁿ, 1−β₂ⁿ) for step number `n` ≥ 1, computed in f64.
    pub fn bias_corrections(&self, n: u64) -> (f32, f32) {
        let correction = |beta: f32| (1.0 - f64::from(beta).powi(n as i32)) as f32;
        (correction(self.beta1), correction(self.beta2))
    }

    /// One update of `state` with `scale` times the averaged gradient, and counts the step. `scale` is the factor of
    /// clipping.
    pub fn update_scaled(&self, state: &mut TrainState, gradient: &[f32], scale: f32, learning_rate: f64) {
        if scale == 1.0 {
            return self.update(state, gradient, learning_rate);
        }
        let scaled: Vec<f32> = gradient.iter().map(|g| g * scale).collect();
        self.update(state, &scaled, learning_rate);
    }

    /// One update of `state` with the clipped and averaged gradient, and counts the step.
    pub fn update(&self, state: &mut TrainState, gradient: &[f32], learning_rate: f64) {
        assert_eq!(gradient.len(), state.params.len(), "one gradient element per parameter");
        state.step += 1;
        let (c1, c2) = self.bias_corrections(state.step);
        let rate = learning_rate as f32;
        let decay = 1.0 - rate * self.weight_decay;
        let moments = state.m.iter_mut().zip(state.v.iter_mut());
        for ((p, (m, v)), g) in state.params.iter_mut().zip(moments).zip(gradient) {
            *m = self.beta1 * *m + (1.0 - self.beta1) * g;
            *v = self.beta2 * *v + (1.0 - self.beta2) * g * g;
            let root = (*v / c2 + self.eps_root).sqrt() + self.eps;
            *p = decay * *p - rate * (*m / c1) / root;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_step_moves_by_the_learning_rate_against_the_sign() {
        let config = TrainConfig { weight_decay: 0.0, eps_root: 0.0, ..Default::default() };
        let mut state = TrainState { step: 0, params: vec![1.0, 1.0], m: vec![0.0; 2], v: vec![0.0; 2] };
        AdamW::new(&config).update(&mut state, &[0.5, -2.0], 0.1);
        assert!((state.params[0] - 0.9).abs() < 1e-6 && (state.params[1] - 1.1).abs() < 1e-6);
        assert_eq!(state.step, 1);
    }

    #[test]
    fn decay_is_decoupled_from_the_gradient() {
        let config = TrainConfig { weight_decay: 0.5, ..Default::default() };
        let mut state = TrainState { step: 0, params: vec![2.0], m: vec![0.0], v: vec![0.0] };
        AdamW::new(&config).update(&mut state, &[0.0], 0.1);
        assert!((state.params[0] - 1.9).abs() < 1e-6);
    }
}
