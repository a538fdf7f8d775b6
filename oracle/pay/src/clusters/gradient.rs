//! Finds documents that teach the model the same, by SimHash (Charikar 2002) over projected gradients.

use super::settings::GradientSettings;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};

/// Gives the projected gradient of the document at a position.
pub type Rows<'a> = dyn Fn(usize) -> Vec<f32> + Sync + 'a;

/// Random hyperplanes through the origin, with normals of ±1.
pub(super) struct SimHasher {
    /// The normals of each plane as bits: bit d is set if the normal is −1 in dimension d.
    planes: Vec<Vec<u64>>,
    bits: usize,
}

impl SimHasher {
    /// Draws `bands · bits` hyperplanes in `width` dimensions.
    pub(super) fn new(seed: u64, settings: &GradientSettings, width: usize) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        // MinHash draws from stream 0, so SimHash takes stream 1.
        rng.set_stream(1);
        let plane = |_| (0..width.div_ceil(64)).map(|_| rng.next_u64()).collect();
        Self { planes: (0..settings.bands * settings.bits).map(plane).collect(), bits: settings.bits }
    }

    /// For each band one bit for each of its hyperplanes: the side on which the row lies.
    pub(super) fn signature(&self, row: &[f32]) -> Vec<u32> {
        let side = |plane: &Vec<u64>| {
            let signed = |(d, value): (usize, &f32)| {
                let sign = (plane[d / 64] >> (d % 64)) as u32 & 1;
                f64::from(f32::from_bits(value.to_bits() ^ (sign << 31)))
            };
            u32::from(row.iter().enumerate().map(signed).sum::<f64>() > 0.0)
        };
        self.planes.chunks_exact(self.bits).map(|band| band.iter().fold(0, |word, p| word << 1 | side(p))).collect()
    }
}

/// Cosine of the angle between two rows. 0 if one of them is zero.
pub(super) fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>();
    let norms = (dot(a, a) * dot(b, b)).sqrt();
    if norms > 0.0 { dot(a, b) / norms } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clusters::bands::Bands;

    fn random(rng: &mut ChaCha8Rng) -> Vec<f32> {
        (0..100).map(|_| (0..12).map(|_| rng.next_u32() as f32 / u32::MAX as f32).sum::<f32>() - 6.0).collect()
    }

    #[test]
    fn rows_at_the_threshold_are_compared_and_unrelated_ones_rarely() {
        let settings = GradientSettings::default();
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let (mut found, mut strays) = (0, 0);
        for seed in 0..60 {
            let hasher = SimHasher::new(seed, &settings, 100);
            let (row, noise) = (random(&mut rng), random(&mut rng));
            let tangent = (1.0 - settings.cosine.powi(2)).sqrt() / settings.cosine;
            let near: Vec<f32> = row.iter().zip(&noise).map(|(r, n)| 3.0 * (r + tangent as f32 * n)).collect();
            let mut bands = Bands::new(1);
            bands.insert(&hasher.signature(&row), 0);
            found += usize::from(bands.first(&hasher.signature(&near), |_| true).is_some());
            strays += usize::from(bands.first(&hasher.signature(&noise), |_| true).is_some());
        }
        assert!(found == 60 && strays <= 5, "{found} found, {strays} strays");
    }

    #[test]
    fn cosines_are_those_of_the_angle() {
        assert_eq!(cosine(&[1.0, 0.0], &[5.0, 0.0]), 1.0);
        assert_eq!(cosine(&[1.0, 0.0], &[0.0, 2.0]), 0.0);
        assert_eq!(cosine(&[3.0, 4.0], &[-3.0, -4.0]), -1.0);
        assert_eq!(cosine(&[0.0, 0.0], &[1.0, 0.0]), 0.0);
    }
}
