//! One training step of AdamW, elementwise and backwards.
//!
//! The forward step with the step's number n from 1 and the clipped gradient g_c (see [`AdamW`]) is:
//! m' = β₁m + (1−β₁)g_c, v' = β₂v + (1−β₂)g_c², θ' = (1−ηλ)θ − η·m̂/(√(v̂ + ε_root) + ε),
//! g_c = g·min(1, L/‖g‖).

use openledger_lm::train::AdamW;

/// Derivatives of φ with respect to θ, m and v at one point of the run, each flat in the order of the adapter's layout.
#[derive(Clone, Debug, PartialEq)]
pub struct Adjoint {
    /// ∂φ/∂θ.
    pub a: Vec<f32>,
    /// ∂φ/∂m.
    pub m: Vec<f32>,
    /// ∂φ/∂v.
    pub v: Vec<f32>,
}

impl Adjoint {
    /// The adjoint at a point where φ depends on the parameters alone, as at the end of a run.
    pub fn of_parameters(a: Vec<f32>) -> Self {
        let zeros = vec![0.0; a.len()];
        Self { a, m: zeros.clone(), v: zeros }
    }
}

/// A training step with the numbers that the run used.
pub struct Step<'a> {
    /// The optimiser's constants.
    pub optimizer: AdamW,
    /// The step's number, from 1.
    pub number: u64,
    /// The step's learning rate η.
    pub learning_rate: f64,
    /// The batch's averaged gradient g before clipping.
    pub gradient: &'a [f32],
    /// ‖g‖.
    pub norm: f64,
    /// min(1, L/‖g‖).
    pub clip_scale: f32,
    /// First moment after the step.
    pub m: &'a [f32],
    /// Second moment after the step.
    pub v: &'a [f32],
}

impl Step<'_> {
    /// Takes `adjoint` from after the step to before it, and returns u = ∂φ/∂g. One part is left out: the influence of
    /// θ through the gradient. This part is H·u, and the caller adds it to `adjoint.a`.
    pub fn back(&self, adjoint: &mut Adjoint) -> Vec<f64> {
        // These are the constants as the run rounded them.
        let (c1, c2) = self.optimizer.bias_corrections(self.number);
        let (c1, c2) = (f64::from(c1), f64::from(c2));
        let rate = self.learning_rate as f32;
        let decay = f64::from(1.0 - rate * self.optimizer.weight_decay);
        let rate = f64::from(rate);
        let (beta1, beta2) = (f64::from(self.optimizer.beta1), f64::from(self.optimizer.beta2));
        let (eps, eps_root) = (f64::from(self.optimizer.eps), f64::from(self.optimizer.eps_root));
        let scale = f64::from(self.clip_scale);

        let mut u = Vec::with_capacity(self.gradient.len());
        for (i, &gradient) in self.gradient.iter().enumerate() {
            let clipped = f64::from(gradient) * scale;
            let mean = f64::from(self.m[i]) / c1;
            let root = (f64::from(self.v[i]) / c2 + eps_root).sqrt();
            let denominator = root + eps;
            // θ' = decay·θ − rate·direction, direction = mean/denominator.
            let direction = -rate * f64::from(adjoint.a[i]);
            let m = f64::from(adjoint.m[i]) + direction / denominator / c1;
            // A parameter that never had a gradient needs no derivative here. The root has no slope at 0, and v =
            // (1−β₂)g² has none at g = 0 either.
            let through_root =
                if root > 0.0 { direction * mean / (denominator * denominator) * 0.5 / root / c2 } else { 0.0 };
            let v = f64::from(adjoint.v[i]) - through_root;
            u.push((1.0 - beta1) * m + 2.0 * (1.0 - beta2) * clipped * v);
            adjoint.a[i] = (decay * f64::from(adjoint.a[i])) as f32;
            adjoint.m[i] = (beta1 * m) as f32;
            adjoint.v[i] = (beta2 * v) as f32;
        }
        self.back_through_clipping(&mut u);
        u
    }

    /// Goes back through clipping. If it is active, g_c = L·g/‖g‖. The part of u along g cannot change g_c and is
    /// removed. The rest is scaled.
    fn back_through_clipping(&self, u: &mut [f64]) {
        if self.clip_scale == 1.0 {
            return;
        }
        let along = u.iter().zip(self.gradient).map(|(u, g)| u * f64::from(*g)).sum::<f64>() / (self.norm * self.norm);
        for (u, g) in u.iter_mut().zip(self.gradient) {
            *u = f64::from(self.clip_scale) * (*u - f64::from(*g) * along);
        }
    }
}

/// √Σ xᵢ², summed in order.
pub(crate) fn norm(values: impl IntoIterator<Item = f64>) -> f64 {
    values.into_iter().map(|x| x * x).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use openledger_lm::train::{TrainConfig, clip_scale, global_norm};

    const RATE: f64 = 0.05;
    const N: usize = 6;

    /// The forward step in f64: (θ, m, v, g) to (θ', m', v').
    fn forward(o: &AdamW, number: u64, clip: Option<f64>, x: &[Vec<f64>; 4]) -> [Vec<f64>; 3] {
        let [theta, m, v, g] = x;
        let norm = norm(g.iter().copied());
        let scale = clip.map_or(1.0, |limit| (limit / norm).min(1.0));
        let (b1, b2) = (f64::from(o.beta1), f64::from(o.beta2));
        let (c1, c2) = (1.0 - b1.powi(number as i32), 1.0 - b2.powi(number as i32));
        let decay = 1.0 - RATE * f64::from(o.weight_decay);
        let m: Vec<f64> = m.iter().zip(g).map(|(m, g)| b1 * m + (1.0 - b1) * g * scale).collect();
        let v: Vec<f64> = v.iter().zip(g).map(|(v, g)| b2 * v + (1.0 - b2) * (g * scale).powi(2)).collect();
        let update = |i: usize| (m[i] / c1) / ((v[i] / c2 + f64::from(o.eps_root)).sqrt() + f64::from(o.eps));
        let theta = (0..theta.len()).map(|i| decay * theta[i] - RATE * update(i)).collect();
        [theta, m, v]
    }

    fn wave(phase: f64, scale: f64) -> Vec<f64> {
        (0..N).map(|i| f64::from(((i as f64 * 1.7 + phase).sin() * scale) as f32)).collect()
    }

    fn f32s(x: &[f64]) -> Vec<f32> {
        x.iter().map(|x| *x as f32).collect()
    }

    /// Largest difference between the adjoint and central differences of a random functional of (θ', m', v').
    fn error(clip: Option<f64>) -> f64 {
        let config =
            TrainConfig { weight_decay: 0.3, eps: 1e-3, eps_root: 1e-4, clip_norm: clip, ..Default::default() };
        let (o, number) = (AdamW::new(&config), 3);
        let positive = wave(0.4, 0.3).iter().map(|x| f64::from(x.abs() as f32) + 0.01).collect();
        let x = [wave(0.0, 1.0), wave(1.0, 0.2), positive, wave(2.0, 0.7)];
        let functional = [wave(3.0, 1.0), wave(4.0, 2.0), wave(5.0, 0.5)];
        let phi = |x: &[Vec<f64>; 4]| -> f64 {
            let out = forward(&o, number, clip, x);
            out.iter().zip(&functional).flat_map(|(o, f)| o.iter().zip(f)).map(|(o, f)| o * f).sum()
        };
        let [_, m, v] = forward(&o, number, clip, &x);
        let (gradient, m, v) = (f32s(&x[3]), f32s(&m), f32s(&v));
        let norm = global_norm(&gradient);
        let clip_scale = clip_scale(norm, clip);
        assert_eq!(clip.is_some(), clip_scale < 1.0);
        let step =
            Step { optimizer: o, number, learning_rate: RATE, gradient: &gradient, norm, clip_scale, m: &m, v: &v };
        let [a, am, av] = functional.clone().map(|f| f32s(&f));
        let mut adjoint = Adjoint { a, m: am, v: av };
        let u = step.back(&mut adjoint);
        let wide = |x: &[f32]| x.iter().map(|x| f64::from(*x)).collect::<Vec<_>>();
        let ours = [wide(&adjoint.a), wide(&adjoint.m), wide(&adjoint.v), u];
        let mut worst: f64 = 0.0;
        for (part, ours) in ours.iter().enumerate() {
            for (i, ours) in ours.iter().enumerate() {
                let at = |h: f64| {
                    let mut x = x.clone();
                    x[part][i] += h;
                    phi(&x)
                };
                let h = 1e-5;
                worst = worst.max((ours - (at(h) - at(-h)) / (2.0 * h)).abs());
            }
        }
        worst
    }

    #[test]
    fn the_adjoint_of_adamw_equals_finite_differences() {
        let error = error(None);
        assert!(error < 2e-6, "{error}");
    }

    #[test]
    fn the_adjoint_of_a_clipped_step_equals_finite_differences() {
        for clip in [0.9, 0.1] {
            let error = error(Some(clip));
            assert!(error < 2e-6, "clip {clip}: {error}");
        }
    }

    #[test]
    fn a_parameter_without_gradient_has_no_adjoint_through_the_root() {
        let config = TrainConfig { eps: 1e-8, eps_root: 0.0, ..Default::default() };
        let zero = [0f32];
        let step = Step {
            optimizer: AdamW::new(&config),
            number: 1,
            learning_rate: RATE,
            gradient: &zero,
            norm: 0.0,
            clip_scale: 1.0,
            m: &zero,
            v: &zero,
        };
        let mut adjoint = Adjoint::of_parameters(vec![1.0]);
        assert!(step.back(&mut adjoint)[0].is_finite());
        assert_eq!(adjoint.v, [0.0]);
    }
}
