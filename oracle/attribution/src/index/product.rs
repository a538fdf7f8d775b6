//! Inner products of every row with one or several queries: what an answer costs besides its backward pass.
//!
//! Memory bandwidth is the limit, so each f16 value is read once for up to [`GROUP`] queries, converted in registers
//! (F16C where the processor has it) and never written back. A row is summed by one thread in one order, with the same
//! roundings with and without vector instructions: results do not depend on the number of threads or the path taken.

use super::{reader::IndexReader, row::Layer};
use half::f16;
use rayon::prelude::*;

/// Queries that share one pass over the rows.
pub const GROUP: usize = 4;
/// Rows that one thread takes at a time.
const BLOCK: usize = 64;
/// Partial sums of an inner product.
const LANES: usize = 16;

/// One query, its layers as f32 fractions of their largest magnitudes: a small layer times a large inverse stays in
/// range.
struct Scaled {
    /// The magnitude of each layer.
    units: Vec<f64>,
    /// layers × layer_dim.
    fractions: Vec<f32>,
}

impl Scaled {
    fn new(query: &[f64], dim: usize) -> Self {
        let mut scaled = Self { units: Vec::new(), fractions: Vec::with_capacity(query.len()) };
        for layer in query.chunks_exact(dim) {
            let max = layer.iter().fold(0f64, |m, v| m.max(v.abs()));
            let unit = if max > 0.0 { max } else { 1.0 };
            scaled.units.push(unit);
            scaled.fractions.extend(layer.iter().map(|v| (v / unit) as f32));
        }
        scaled
    }
}

/// Inner products of every row of the index with each of `queries` (layers × layer_dim values each), query by query:
/// f32 within a layer and f64 over the layers.
pub fn products(index: &IndexReader, queries: &[&[f64]]) -> Vec<Vec<f64>> {
    let dim = index.header().layer_dim();
    let scaled: Vec<Scaled> = queries.iter().map(|q| Scaled::new(q, dim)).collect();
    scaled.chunks(GROUP).flat_map(|group| group_products(index, group)).collect()
}

fn group_products(index: &IndexReader, queries: &[Scaled]) -> Vec<Vec<f64>> {
    match queries {
        [a] => fixed_products(index, [a]),
        [a, b] => fixed_products(index, [a, b]),
        [a, b, c] => fixed_products(index, [a, b, c]),
        [a, b, c, d] => fixed_products(index, [a, b, c, d]),
        _ => unreachable!("groups hold 1 to {GROUP} queries"),
    }
}

fn fixed_products<const Q: usize>(index: &IndexReader, queries: [&Scaled; Q]) -> Vec<Vec<f64>> {
    let (dim, layers) = (index.header().layer_dim(), index.header().layers.len());
    let vector = has_vector_unit();
    let mut sums = vec![[0f64; Q]; index.count()];
    sums.par_chunks_mut(BLOCK).enumerate().for_each(|(block, sums)| {
        let mut scratch = Scratch::new(dim);
        for (offset, sums) in sums.iter_mut().enumerate() {
            for l in 0..layers {
                let layer = index.layer(block * BLOCK + offset, l);
                let parts = queries.map(|q| &q.fractions[l * dim..][..dim]);
                let dots = layer_dots(&layer, parts, vector, &mut scratch);
                for ((sum, dot), query) in sums.iter_mut().zip(dots).zip(queries) {
                    *sum += f64::from(dot) * f64::from(layer.scale) * query.units[l];
                }
            }
        }
    });
    (0..Q).map(|q| sums.iter().map(|s| s[q]).collect()).collect()
}

/// Space for one layer's values, used without a vector unit only.
struct Scratch {
    halves: Vec<f16>,
    floats: Vec<f32>,
}

impl Scratch {
    fn new(dim: usize) -> Self {
        Self { halves: vec![f16::ZERO; dim], floats: vec![0.0; dim] }
    }
}

fn layer_dots<const Q: usize>(
    layer: &Layer<'_>,
    queries: [&[f32]; Q],
    vector: bool,
    scratch: &mut Scratch,
) -> [f32; Q] {
    #[cfg(target_arch = "x86_64")]
    if vector {
        // SAFETY: `vector` says that the processor has AVX and F16C.
        return unsafe { avx::dots(layer.bytes(), queries) };
    }
    let _ = vector;
    layer.fractions(&mut scratch.halves, &mut scratch.floats);
    queries.map(|query| portable_dot(&scratch.floats, query))
}

/// Whether the vector path can be taken.
fn has_vector_unit() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        std::arch::is_x86_feature_detected!("avx") && std::arch::is_x86_feature_detected!("f16c")
    }
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// Σ aᵢ bᵢ in sixteen interleaved partial sums.
fn portable_dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0f32; LANES];
    let (a16, a_rest) = a.as_chunks::<LANES>();
    let (b16, b_rest) = b.as_chunks::<LANES>();
    for (x, y) in a16.iter().zip(b16) {
        for l in 0..LANES {
            lanes[l] += x[l] * y[l];
        }
    }
    total(lanes, a_rest.iter().copied(), b_rest)
}

/// The partial sums added up pairwise, then the products of what was left over.
fn total(mut lanes: [f32; LANES], rest: impl Iterator<Item = f32>, other: &[f32]) -> f32 {
    let mut width = LANES;
    while width > 1 {
        width /= 2;
        for l in 0..width {
            lanes[l] += lanes[l + width];
        }
    }
    rest.zip(other).fold(lanes[0], |sum, (x, y)| sum + x * y)
}

#[cfg(target_arch = "x86_64")]
mod avx {
    use super::{LANES, total};
    use half::f16;
    use std::arch::x86_64::{
        __m128i, _mm_loadu_si128, _mm256_add_ps, _mm256_cvtph_ps, _mm256_loadu_ps, _mm256_mul_ps, _mm256_setzero_ps,
        _mm256_storeu_ps,
    };

    /// As [`super::portable_dot`] of the f16 values in `bytes` with each query, to the last bit: a product and a sum are
    /// rounded one after the other, not fused.
    ///
    /// # Safety
    /// The processor must have AVX and F16C.
    #[target_feature(enable = "avx,f16c")]
    pub(super) unsafe fn dots<const Q: usize>(bytes: &[u8], queries: [&[f32]; Q]) -> [f32; Q] {
        let (chunks, rest) = bytes.as_chunks::<{ 2 * LANES }>();
        // The loads below rely on it.
        assert!(queries.iter().all(|q| 2 * q.len() == bytes.len()), "one query value for each stored one");
        let mut sums = [[_mm256_setzero_ps(); 2]; Q];
        for (c, chunk) in chunks.iter().enumerate() {
            for half in 0..2 {
                // SAFETY: 16 bytes at 16·half of 32, and 8 floats at 16·c + 8·half of at least 16·(c + 1); neither load
                // asks for alignment.
                let x = unsafe { _mm_loadu_si128(chunk.as_ptr().add(16 * half).cast::<__m128i>()) };
                let x = _mm256_cvtph_ps(x);
                for (sum, query) in sums.iter_mut().zip(queries) {
                    let y = unsafe { _mm256_loadu_ps(query.as_ptr().add(LANES * c + 8 * half)) };
                    sum[half] = _mm256_add_ps(sum[half], _mm256_mul_ps(x, y));
                }
            }
        }
        let at = chunks.len() * LANES;
        let mut out = [0f32; Q];
        for ((out, sum), query) in out.iter_mut().zip(sums).zip(queries) {
            let mut lanes = [0f32; LANES];
            // SAFETY: two stores of 8 floats each into 16.
            unsafe {
                _mm256_storeu_ps(lanes.as_mut_ptr(), sum[0]);
                _mm256_storeu_ps(lanes.as_mut_ptr().add(8), sum[1]);
            }
            let left = rest.as_chunks::<2>().0.iter().map(|b| f16::from_le_bytes(*b).to_f32());
            *out = total(lanes, left, &query[at..]);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{index::row, testing::synthetic_index};

    #[test]
    fn products_are_those_of_the_stored_values_for_any_number_of_queries() {
        let dir = tempfile::tempdir().unwrap();
        let index = synthetic_index(dir.path(), 150, 7, 5);
        let query = |seed: usize| (0..70).map(|i| ((i * 3 + seed) as f64).sin()).collect::<Vec<f64>>();
        for count in [1, 2, 3, 4, 5, 9] {
            let queries: Vec<Vec<f64>> = (0..count).map(query).collect();
            let found = products(&index, &queries.iter().map(Vec::as_slice).collect::<Vec<_>>());
            assert_eq!(found.len(), count);
            for (query, found) in queries.iter().zip(found) {
                for (i, found) in found.iter().enumerate() {
                    let stored: Vec<f64> =
                        (0..2).flat_map(|l| index.layer(i, l).values().collect::<Vec<_>>()).collect();
                    let exact: f64 = stored.iter().zip(query).map(|(a, b)| a * b).sum();
                    let scale: f64 = stored.iter().zip(query).map(|(a, b)| (a * b).abs()).sum();
                    assert!((found - exact).abs() < 1e-6 * scale, "{found} against {exact}");
                }
                // A query's result does not depend on its companions.
                assert_eq!(products(&index, &[query])[0], found);
            }
        }
    }

    #[test]
    fn vector_instructions_change_no_bit() {
        if !has_vector_unit() {
            return;
        }
        for dim in [1, 15, 16, 17, 64, 251] {
            let value = |i: usize| (i as f32 * 0.7).sin() * 10f32.powi(-(i as i32 % 9));
            let values: Vec<f32> = (0..dim).map(value).collect();
            let mut bytes = Vec::new();
            row::encode(&values, dim, &mut bytes);
            let layer = row::layer(&bytes, 1, dim, 0);
            let queries: [Vec<f32>; 3] = [1, 2, 3].map(|s| (0..dim).map(|i| value(i + s)).collect());
            let queries = [&queries[0][..], &queries[1], &queries[2]];
            let mut scratch = Scratch::new(dim);
            let [with, without] = [true, false].map(|vector| layer_dots(&layer, queries, vector, &mut scratch));
            assert_eq!(with.map(f32::to_bits), without.map(f32::to_bits), "{dim} values");
        }
    }

    #[test]
    fn results_do_not_depend_on_the_number_of_threads() {
        let dir = tempfile::tempdir().unwrap();
        let index = synthetic_index(dir.path(), 200, 8, 8);
        let query: Vec<f64> = (0..128).map(|i| (i as f64).sin()).collect();
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| products(&index, &[&query, &query[..]]))
        };
        assert_eq!(with(1), with(3));
    }
}
