//! A row of the index as bytes: f16 fractions of one power of two for each layer.

use half::{f16, slice::HalfFloatSliceExt};

/// Number of bytes of a row. It stops at the largest number instead of going beyond it.
pub fn bytes(layers: usize, layer_dim: usize) -> usize {
    layers.saturating_mul(layer_dim.saturating_mul(size_of::<f16>()).saturating_add(size_of::<f32>()))
}

/// Appends a row of `layers` × `layer_dim` finite values to `out`.
pub fn encode(values: &[f32], layer_dim: usize, out: &mut Vec<u8>) {
    let scales: Vec<f32> = values.chunks_exact(layer_dim).map(scale_of).collect();
    for scale in &scales {
        out.extend(scale.to_le_bytes());
    }
    for (layer, scale) in values.chunks_exact(layer_dim).zip(&scales) {
        for value in layer {
            // This is exact in f64, because both are f32 and the scale is a power of two.
            out.extend(f16::from_f64(f64::from(*value) / f64::from(*scale)).to_le_bytes());
        }
    }
}

/// The power of two in (max/2, max] for the layer's largest magnitude max, and 1 for a layer of zeros. It is never
/// below the smallest normal f32.
fn scale_of(values: &[f32]) -> f32 {
    let max = values.iter().fold(0f32, |m, v| m.max(v.abs()));
    if max == 0.0 {
        return 1.0;
    }
    // Clearing the mantissa rounds down to a power of two.
    f32::from_bits(max.to_bits() & 0x7f80_0000).max(f32::MIN_POSITIVE)
}

/// The values of one layer of a row, without its scale.
pub struct Layer<'a> {
    /// The power of two that the values are fractions of.
    pub scale: f32,
    /// f16 values, little-endian.
    bytes: &'a [u8],
}

/// Layer `layer` of a row.
pub fn layer(row: &[u8], layers: usize, layer_dim: usize, layer: usize) -> Layer<'_> {
    let scale = row[4 * layer..4 * layer + 4].try_into().expect("four bytes");
    let at = 4 * layers + 2 * layer_dim * layer;
    Layer { scale: f32::from_le_bytes(scale), bytes: &row[at..at + 2 * layer_dim] }
}

impl Layer<'_> {
    /// The fractions as stored: f16, little-endian.
    pub fn bytes(&self) -> &[u8] {
        self.bytes
    }

    /// Writes the fractions to `out`. The value of each is the fraction times the scale. `halves` is scratch space of
    /// the same length.
    pub fn fractions(&self, halves: &mut [f16], out: &mut [f32]) {
        for (half, bytes) in halves.iter_mut().zip(self.bytes.as_chunks::<2>().0) {
            *half = f16::from_le_bytes(*bytes);
        }
        halves.convert_to_f32_slice(out);
    }

    /// Writes the values to `out`, exactly as stored. `out` must be as long as the layer.
    pub fn decode(&self, out: &mut [f64]) {
        for (value, stored) in out.iter_mut().zip(self.values()) {
            *value = stored;
        }
    }

    /// The values in f64, exactly as stored.
    pub fn values(&self) -> impl Iterator<Item = f64> {
        let scale = f64::from(self.scale);
        self.bytes.as_chunks::<2>().0.iter().map(move |b| f16::from_le_bytes(*b).to_f64() * scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(values: &[f32], layer_dim: usize) -> Vec<f64> {
        let layers = values.len() / layer_dim;
        let mut bytes = Vec::new();
        encode(values, layer_dim, &mut bytes);
        assert_eq!(bytes.len(), 4 * layers + 2 * values.len());
        (0..layers).flat_map(|l| layer(&bytes, layers, layer_dim, l).values().collect::<Vec<_>>()).collect()
    }

    proptest! {
        #[test]
        fn every_value_is_kept_to_f16_precision_of_its_layer(
            small in prop::collection::vec(-1e-20f32..1e-20, 8),
            large in prop::collection::vec(-1e30f32..1e30, 8),
        ) {
            let values: Vec<f32> = small.iter().chain(&large).copied().collect();
            for (layer, decoded) in values.chunks(8).zip(round_trip(&values, 8).chunks(8)) {
                let max = layer.iter().fold(0f32, |m, v| m.max(v.abs()));
                for (v, d) in layer.iter().zip(decoded) {
                    prop_assert!((f64::from(*v) - d).abs() <= f64::from(max) / 2048.0);
                }
            }
        }
    }

    #[test]
    fn zeros_and_subnormals_survive() {
        assert_eq!(round_trip(&[0.0; 4], 2), [0.0; 4]);
        let tiny = f32::from_bits(1 << 20);
        assert_eq!(round_trip(&[tiny, 0.0], 2), [f64::from(tiny), 0.0]);
    }

    #[test]
    fn fractions_times_scale_are_the_values() {
        let values: Vec<f32> = (0..40).map(|i| (i as f32).sin() * 3e-7).collect();
        let mut bytes = Vec::new();
        encode(&values, 40, &mut bytes);
        let layer = layer(&bytes, 1, 40, 0);
        let (mut halves, mut out) = (vec![f16::ZERO; 40], vec![0f32; 40]);
        layer.fractions(&mut halves, &mut out);
        let exact: Vec<f64> = layer.values().collect();
        assert_eq!(out.iter().map(|v| f64::from(v * layer.scale)).collect::<Vec<_>>(), exact);
    }
}
