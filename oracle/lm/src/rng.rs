//! Seeded randomness whose values do not depend on a library's version: the raw words of ChaCha8, mapped by hand.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};

/// ChaCha streams of a job's seed. Each use has its own stream, so that no two uses share their randomness.
pub(crate) mod stream {
    /// Random base weights.
    pub(crate) const WEIGHTS: u64 = 1 << 33;
    /// Initial A matrices.
    pub(crate) const ADAPTER: u64 = 1 << 32;
    /// Stream of the batch order in an epoch: the epoch's number.
    pub(crate) const fn epoch(epoch: usize) -> u64 {
        epoch as u64
    }
}

/// ChaCha8 stream `stream` of `seed`.
pub(crate) fn chacha(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    rng
}

/// Uniform in [0, 1), a multiple of 2⁻²⁴ (exact in f32).
pub(crate) fn unit_f32(rng: &mut ChaCha8Rng) -> f32 {
    (rng.next_u32() >> 8) as f32 / (1u32 << 24) as f32
}

/// Uniform in [0, 1), a multiple of 2⁻⁵³.
pub(crate) fn unit_f64(rng: &mut ChaCha8Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

/// `n` values uniform in [-bound, bound).
pub(crate) fn uniform(rng: &mut ChaCha8Rng, n: usize, bound: f32) -> Vec<f32> {
    (0..n).map(|_| (2.0 * unit_f32(rng) - 1.0) * bound).collect()
}

/// A permutation of 0..n (Fisher–Yates). The bias of the multiply-shift is at most n/2⁶⁴, which is immaterial.
pub(crate) fn permutation(rng: &mut ChaCha8Rng, n: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    for i in (1..n).rev() {
        let j = ((u128::from(rng.next_u64()) * (i as u128 + 1)) >> 64) as usize;
        order.swap(i, j);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permutation_holds_every_index_once_and_depends_on_seed_and_stream() {
        let p = permutation(&mut chacha(1, 0), 100);
        let mut sorted = p.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).collect::<Vec<_>>());
        assert_eq!(p, permutation(&mut chacha(1, 0), 100));
        assert_ne!(p, permutation(&mut chacha(1, 1), 100));
        assert_ne!(p, permutation(&mut chacha(2, 0), 100));
    }

    #[test]
    fn uniform_stays_in_bounds_and_is_centred() {
        let v = uniform(&mut chacha(3, 0), 10_000, 0.5);
        assert!(v.iter().all(|x| (-0.5..0.5).contains(x)));
        assert!(v.iter().sum::<f32>().abs() / 10_000.0 < 0.01);
    }
}
