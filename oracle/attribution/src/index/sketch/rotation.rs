//! A random rotation in n log n operations: signs, Hadamard, signs, Hadamard (Ailon & Chazelle 2009).
//!
//! Each value of the rotated vector is a sum of all the old values with random signs. So it is nearly normally
//! distributed, for any vector. Inner products stay as they were. Two rounds are needed: after one round, a vector with
//! two large values would have only two magnitudes, and signs would show only the larger value.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};

/// A rotation of vectors of up to `width` values. `width` is a power of two.
pub(super) struct Rotation {
    width: usize,
    /// Signs of the two rounds, each times 1/√width.
    signs: [Vec<f32>; 2],
}

impl Rotation {
    /// The rotation with this seed for vectors of `len` values.
    pub(super) fn new(seed: u64, len: usize) -> Self {
        let width = len.next_power_of_two();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let unit = (1.0 / (width as f64).sqrt()) as f32;
        let mut signs = || (0..width).map(|_| if rng.next_u32() >> 31 == 0 { unit } else { -unit }).collect();
        Self { width, signs: [signs(), signs()] }
    }

    /// Number of values of a rotated vector.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Replaces `vector` by its rotation, which has `width` values.
    pub(super) fn rotate(&self, vector: &mut Vec<f32>) {
        vector.resize(self.width, 0.0);
        for signs in &self.signs {
            vector.iter_mut().zip(signs).for_each(|(v, s)| *v *= s);
            hadamard(vector);
        }
    }
}

/// The Walsh–Hadamard transform, not normalised. The number of values must be a power of two.
fn hadamard(values: &mut [f32]) {
    let mut half = 1;
    while half < values.len() {
        for pair in values.chunks_exact_mut(2 * half) {
            let (low, high) = pair.split_at_mut(half);
            for (a, b) in low.iter_mut().zip(high) {
                (*a, *b) = (*a + *b, *a - *b);
            }
        }
        half *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inner_products_stay_and_single_values_spread_over_all() {
        let rotation = Rotation::new(1, 100);
        assert_eq!(rotation.width(), 128);
        let rotated = |f: &dyn Fn(usize) -> f32| {
            let mut v: Vec<f32> = (0..100).map(f).collect();
            rotation.rotate(&mut v);
            v
        };
        let inner = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let (a, b) = (|i: usize| (i as f32).sin(), |i: usize| (i as f32 * 0.3).cos());
        let exact: f32 = (0..100).map(|i| a(i) * b(i)).sum();
        assert!((inner(&rotated(&a), &rotated(&b)) - exact).abs() < 1e-3);
        let two = rotated(&|i| if i == 3 || i == 40 { 1.0 } else { 0.0 });
        let largest = two.iter().fold(0f32, |m, v| m.max(v.abs()));
        assert!(largest < 4.0 * (2.0f32 / 128.0).sqrt(), "{largest}");
        assert_ne!(rotated(&a), {
            let mut v: Vec<f32> = (0..100).map(a).collect();
            Rotation::new(2, 100).rotate(&mut v);
            v
        });
    }
}
