//! Random projection matrices. The same seed gives the same matrices on every machine.

use crate::error::Result;
use candle_core::{Device, Tensor};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};
use sha2::{Digest as _, Sha256};

/// A (rows, k) matrix of N(0, 1/k). Each seed, layer and side has a ChaCha8 stream of its own.
pub(super) fn matrix(seed: u64, layer: &str, side: &str, rows: usize, k: usize, device: &Device) -> Result<Tensor> {
    let mut hasher = Sha256::new();
    hasher.update(b"openledger projection 1\0");
    hasher.update(seed.to_le_bytes());
    hasher.update(side.as_bytes());
    hasher.update([0]);
    hasher.update(layer.as_bytes());
    let mut rng = ChaCha8Rng::from_seed(hasher.finalize().into());
    let scale = 1.0 / libm::sqrt(k as f64);
    let mut values = Vec::with_capacity(rows * k + 1);
    while values.len() < rows * k {
        let (a, b) = gaussian_pair(&mut rng);
        values.extend([(a * scale) as f32, (b * scale) as f32]);
    }
    values.truncate(rows * k);
    Ok(Tensor::from_vec(values, (rows, k), device)?)
}

/// Two independent N(0, 1) values, by the method of Box and Muller.
fn gaussian_pair(rng: &mut ChaCha8Rng) -> (f64, f64) {
    const STEP: f64 = 1.0 / (1u64 << 53) as f64;
    // u is in (0, 1], so that the logarithm is finite.
    let u = ((rng.next_u64() >> 11) + 1) as f64 * STEP;
    let angle = (rng.next_u64() >> 11) as f64 * STEP * std::f64::consts::TAU;
    let radius = libm::sqrt(-2.0 * libm::log(u));
    (radius * libm::cos(angle), radius * libm::sin(angle))
}
