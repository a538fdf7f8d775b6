//! One bit for each value: a row is kept as the signs of its rotated values (RaBitQ, Gao & Long 2024,
//! arXiv:2405.12497).
//!
//! Let b be the signs (±1) of a rotated row t. Then ⟨t, q⟩ ≈ ⟨b, q⟩ · ‖t‖² / ‖t‖₁. This is exact for q = t and without
//! bias over the rotations. Its error is about 0.75 ‖t‖ ‖q‖ / √bits. The query has [`PLANES`] bits for each value,
//! whose rounding adds a tenth of that error.

/// Number of bits of each value of a query.
pub(super) const PLANES: usize = 4;

/// Appends the signs of `values` to `out`, 64 to a word, lowest bit first. Words are always complete.
pub(super) fn encode(values: &[f32], out: &mut Vec<u8>) {
    for word in values.as_chunks::<64>().0 {
        let bits = word.iter().enumerate().fold(0u64, |bits, (i, v)| bits | u64::from(*v > 0.0) << i);
        out.extend(bits.to_le_bytes());
    }
}

/// ‖t‖² / ‖t‖₁, the factor of ⟨b, q⟩. 0 for a row of zeros.
pub(super) fn factor(values: &[f32]) -> f64 {
    let (mut squares, mut magnitudes) = (0f64, 0f64);
    for v in values {
        squares += f64::from(*v) * f64::from(*v);
        magnitudes += f64::from(v.abs());
    }
    if magnitudes > 0.0 { squares / magnitudes } else { 0.0 }
}

/// A rotated query, rounded to odd multiples of a step: each value is Σ 2ᵖ cₚ with every cₚ = ±1.
pub(super) struct Planes {
    step: f64,
    /// For each word of 64 values the bits of c₀ to c₃. A 1 stands for +1.
    words: Vec<[u64; PLANES]>,
}

impl Planes {
    /// Rounds the values. Their number must be a multiple of 64.
    pub(super) fn new(values: &[f32]) -> Self {
        let top = f64::from((1u32 << PLANES) - 1);
        let largest = values.iter().fold(0f64, |m, v| m.max(f64::from(v.abs())));
        let step = if largest > 0.0 { largest / top } else { 1.0 };
        let words = values
            .as_chunks::<64>()
            .0
            .iter()
            .map(|word| {
                let mut planes = [0u64; PLANES];
                for (i, v) in word.iter().enumerate() {
                    // −15, −13, … 15 become 0, 1, … 15.
                    let level = ((f64::from(*v) / step + top) / 2.0).round() as u64;
                    for (p, plane) in planes.iter_mut().enumerate() {
                        *plane |= (level >> p & 1) << i;
                    }
                }
                planes
            })
            .collect();
        Self { step, words }
    }

    /// Writes ⟨b, q⟩ of each row of `codes` to `out`, in order.
    pub(super) fn products(&self, codes: &[u8], out: &mut [f32]) {
        #[cfg(target_arch = "x86_64")]
        {
            if std::arch::is_x86_feature_detected!("avx512vpopcntdq") && std::arch::is_x86_feature_detected!("avx512f")
            {
                // SAFETY: the processor has AVX-512 F and VPOPCNTDQ.
                return unsafe { self.products_avx512(codes, out) };
            }
            if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("popcnt") {
                // SAFETY: the processor has AVX2 and POPCNT.
                return unsafe { self.products_avx2(codes, out) };
            }
        }
        self.products_any(codes, out);
    }

    /// The same, by instructions that count the bits of eight words at once.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512vpopcntdq")]
    fn products_avx512(&self, codes: &[u8], out: &mut [f32]) {
        self.products_any(codes, out);
    }

    /// The same, by instructions that work on four words at once.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,popcnt")]
    fn products_avx2(&self, codes: &[u8], out: &mut [f32]) {
        self.products_any(codes, out);
    }

    /// All numbers are integers until the last multiplication, so every path gives the same bits.
    #[inline(always)]
    fn products_any(&self, codes: &[u8], out: &mut [f32]) {
        // The sum over planes of 2ᵖ times the number of values. Equal signs everywhere would give this sum.
        let most = (64 * self.words.len() * ((1 << PLANES) - 1)) as i64;
        for (code, out) in codes.chunks_exact(8 * self.words.len()).zip(out) {
            let mut differing = [0u64; PLANES];
            for (word, planes) in code.as_chunks::<8>().0.iter().zip(&self.words) {
                let word = u64::from_le_bytes(*word);
                for p in 0..PLANES {
                    differing[p] += u64::from((word ^ planes[p]).count_ones());
                }
            }
            let differing: u64 = (0..PLANES).map(|p| differing[p] << p).sum();
            *out = ((most - 2 * differing as i64) as f64 * self.step) as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(n: usize, phase: f32) -> Vec<f32> {
        (0..n).map(|i| (i as f32 * 1.37 + phase).sin() * (1.0 + (i % 5) as f32)).collect()
    }

    #[test]
    fn products_are_those_of_signs_and_rounded_values() {
        for n in [64, 128, 640] {
            let (row, query) = (wave(n, 0.3), wave(n, 1.1));
            let mut codes = Vec::new();
            encode(&row, &mut codes);
            encode(&query, &mut codes);
            assert_eq!(codes.len(), 2 * n / 8);
            let mut found = [0f32; 2];
            Planes::new(&query).products(&codes, &mut found);
            let largest = query.iter().fold(0f32, |m, v| m.max(v.abs()));
            for (found, row) in found.iter().zip([&row, &query]) {
                let exact: f32 = row.iter().zip(&query).map(|(r, q)| r.signum() * q).sum();
                // Each value is off by at most a step, and most errors cancel.
                assert!((found - exact).abs() < largest / 15.0 * (n as f32).sqrt(), "{found} against {exact}");
            }
        }
    }

    #[test]
    fn vector_instructions_change_no_bit() {
        let mut codes = Vec::new();
        (0..20).for_each(|i| encode(&wave(512, i as f32), &mut codes));
        let planes = Planes::new(&wave(512, 0.5));
        let (mut fast, mut plain) = ([0f32; 20], [0f32; 20]);
        planes.products(&codes, &mut fast);
        planes.products_any(&codes, &mut plain);
        assert_eq!(fast.map(f32::to_bits), plain.map(f32::to_bits));
    }

    #[test]
    fn a_row_of_zeros_has_factor_zero_and_a_query_of_zeros_is_finite() {
        assert_eq!(factor(&[0.0; 64]), 0.0);
        let mut out = [f32::NAN];
        Planes::new(&[0.0; 64]).products(&[0xff; 8], &mut out);
        assert!(out[0].is_finite());
    }
}
