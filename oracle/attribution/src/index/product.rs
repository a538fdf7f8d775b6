//! Inner products of every row with one or several queries. Besides its backward pass, this is the whole cost of an
//! answer.
//!
//! Memory bandwidth is the limit. So each f16 value is read once for up to [`GROUP`] queries, converted in registers
//! (by F16C if the processor has it), and never written back. One thread sums a row in one order. The roundings are the
//! same with and without vector instructions. So results depend neither on the number of threads nor on the
//! instructions.

use super::{reader::IndexReader, row};
use half::f16;
use rayon::prelude::*;
use std::ops::Range;

/// Number of queries that share one pass over the rows.
pub const GROUP: usize = 4;
/// Least number of rows that one thread takes at a time.
const BLOCK: usize = 64;
/// Number of partial sums of an inner product.
const LANES: usize = 16;

/// One query. Each layer is stored as f32 fractions of its largest magnitude, so that a small layer times a large
/// inverse stays in range.
struct Scaled {
    /// The largest magnitude of each layer.
    units: Vec<f64>,
    /// The fractions: layers × layer_dim.
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

/// Inner products of the rows `rows` of the index with each of `queries`, query by query. A query has row_layers ×
/// layer_dim values. Sums are f32 within a layer and f64 over the layers.
pub fn products(index: &IndexReader, rows: Range<usize>, queries: &[&[f64]]) -> Vec<Vec<f64>> {
    let dim = index.header().layer_dim();
    let scaled: Vec<Scaled> = queries.iter().map(|q| Scaled::new(q, dim)).collect();
    scaled.chunks(GROUP).flat_map(|group| group_products(index, rows.clone(), group)).collect()
}

fn group_products(index: &IndexReader, rows: Range<usize>, queries: &[Scaled]) -> Vec<Vec<f64>> {
    match queries {
        [a] => fixed_products(index, rows, [a]),
        [a, b] => fixed_products(index, rows, [a, b]),
        [a, b, c] => fixed_products(index, rows, [a, b, c]),
        [a, b, c, d] => fixed_products(index, rows, [a, b, c, d]),
        _ => unreachable!("groups hold 1 to {GROUP} queries"),
    }
}

fn fixed_products<const Q: usize>(index: &IndexReader, rows: Range<usize>, queries: [&Scaled; Q]) -> Vec<Vec<f64>> {
    let sums = products_of(rows.into_par_iter(), index, queries);
    (0..Q).map(|q| sums.iter().map(|s| s[q]).collect()).collect()
}

/// Inner products of the rows at `positions` with `query` (row_layers × layer_dim values). They equal those of [`products`]
/// bit for bit.
pub fn products_at(index: &IndexReader, query: &[f64], positions: &[usize]) -> Vec<f64> {
    let scaled = Scaled::new(query, index.header().layer_dim());
    let sums = products_of(positions.par_iter().copied(), index, [&scaled]);
    sums.into_iter().map(|[sum]| sum).collect()
}

fn products_of<const Q: usize>(
    rows: impl IndexedParallelIterator<Item = usize>,
    index: &IndexReader,
    queries: [&Scaled; Q],
) -> Vec<[f64; Q]> {
    let (dim, layers) = (index.header().layer_dim(), index.header().row_layers());
    let vector = has_vector_unit();
    rows.with_min_len(BLOCK)
        .map_init(|| Scratch::new(dim), |scratch, i| row_dots(index.row(i), layers, queries, vector, scratch))
        .collect()
}

/// Space for one layer's values. It is used only without a vector unit.
struct Scratch {
    halves: Vec<f16>,
    floats: Vec<f32>,
}

impl Scratch {
    fn new(dim: usize) -> Self {
        Self { halves: vec![f16::ZERO; dim], floats: vec![0.0; dim] }
    }
}

fn row_dots<const Q: usize>(
    row: &[u8],
    layers: usize,
    queries: [&Scaled; Q],
    vector: bool,
    scratch: &mut Scratch,
) -> [f64; Q] {
    #[cfg(target_arch = "x86_64")]
    if vector {
        // SAFETY: `vector` says that the processor has AVX and F16C.
        return unsafe { avx::row_dots(row, layers, scratch.floats.len(), queries) };
    }
    let _ = vector;
    let dim = scratch.floats.len();
    let mut sums = [0f64; Q];
    for l in 0..layers {
        let layer = row::layer(row, layers, dim, l);
        layer.fractions(&mut scratch.halves, &mut scratch.floats);
        let dots = queries.map(|query| portable_dot(&scratch.floats, &query.fractions[l * dim..][..dim]));
        add(&mut sums, dots, layer.scale, l, queries);
    }
    sums
}

/// Adds a layer's inner products. Each is the product of the fractions, times the units of both sides.
#[inline(always)]
fn add<const Q: usize>(sums: &mut [f64; Q], dots: [f32; Q], scale: f32, layer: usize, queries: [&Scaled; Q]) {
    for q in 0..Q {
        sums[q] += f64::from(dots[q]) * f64::from(scale) * queries[q].units[layer];
    }
}

/// Whether the processor can take the vector path.
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

/// The sum of the partial sums, added pairwise, and then of the products in `rest`.
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
    use super::{LANES, Scaled, add};
    use crate::index::row;
    use half::f16;
    use std::arch::x86_64::{
        __m128i, __m256, _mm_add_ps, _mm_add_ss, _mm_cvtss_f32, _mm_loadu_si128, _mm_movehdup_ps, _mm_movehl_ps,
        _mm256_add_ps, _mm256_castps256_ps128, _mm256_cvtph_ps, _mm256_extractf128_ps, _mm256_loadu_ps, _mm256_mul_ps,
        _mm256_setzero_ps,
    };

    /// Computes the same as the portable path, to the last bit: a product and a sum are rounded one after the other,
    /// not fused.
    #[target_feature(enable = "avx,f16c")]
    pub(super) fn row_dots<const Q: usize>(bytes: &[u8], layers: usize, dim: usize, queries: [&Scaled; Q]) -> [f64; Q] {
        let mut sums = [0f64; Q];
        for l in 0..layers {
            let layer = row::layer(bytes, layers, dim, l);
            let parts = queries.map(|query| &query.fractions[l * dim..][..dim]);
            add(&mut sums, dots(layer.bytes(), parts), layer.scale, l, queries);
        }
        sums
    }

    #[target_feature(enable = "avx,f16c")]
    #[inline]
    fn dots<const Q: usize>(bytes: &[u8], queries: [&[f32]; Q]) -> [f32; Q] {
        let (chunks, rest) = bytes.as_chunks::<{ 2 * LANES }>();
        // The loads below rely on this.
        assert!(queries.iter().all(|q| 2 * q.len() == bytes.len()), "one query value for each stored one");
        let mut sums = [[_mm256_setzero_ps(); Q]; 2];
        for (c, chunk) in chunks.iter().enumerate() {
            for (half, sums) in sums.iter_mut().enumerate() {
                // SAFETY: 16 bytes at 16·half of 32; unaligned loads are allowed.
                let x = unsafe { _mm_loadu_si128(chunk.as_ptr().add(16 * half).cast::<__m128i>()) };
                let x = _mm256_cvtph_ps(x);
                for q in 0..Q {
                    // SAFETY: 8 floats at 16·c + 8·half of at least 16·(c + 1); unaligned loads are allowed.
                    let y = unsafe { _mm256_loadu_ps(queries[q].as_ptr().add(LANES * c + 8 * half)) };
                    sums[q] = _mm256_add_ps(sums[q], _mm256_mul_ps(x, y));
                }
            }
        }
        let at = chunks.len() * LANES;
        let mut out = [0f32; Q];
        for q in 0..Q {
            out[q] = pairwise([sums[0][q], sums[1][q]]);
            for (b, y) in rest.as_chunks::<2>().0.iter().zip(&queries[q][at..]) {
                out[q] += f16::from_le_bytes(*b).to_f32() * y;
            }
        }
        out
    }

    /// Adds the sixteen partial sums in the order of [`super::total`].
    #[target_feature(enable = "avx")]
    #[inline]
    fn pairwise([low, high]: [__m256; 2]) -> f32 {
        let eight = _mm256_add_ps(low, high);
        let four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight));
        let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::synthetic_index;

    #[test]
    fn products_are_those_of_the_stored_values_for_any_number_of_queries() {
        let dir = tempfile::tempdir().unwrap();
        let index = synthetic_index(dir.path(), 150, 7, 5);
        let query = |seed: usize| (0..70).map(|i| ((i * 3 + seed) as f64).sin()).collect::<Vec<f64>>();
        for count in [1, 2, 3, 4, 5, 9] {
            let queries: Vec<Vec<f64>> = (0..count).map(query).collect();
            let found = products(&index, 0..index.count(), &queries.iter().map(Vec::as_slice).collect::<Vec<_>>());
            assert_eq!(found.len(), count);
            for (query, found) in queries.iter().zip(found) {
                for (i, found) in found.iter().enumerate() {
                    let stored: Vec<f64> =
                        (0..2).flat_map(|l| index.layer(i, l).values().collect::<Vec<_>>()).collect();
                    let exact: f64 = stored.iter().zip(query).map(|(a, b)| a * b).sum();
                    let scale: f64 = stored.iter().zip(query).map(|(a, b)| (a * b).abs()).sum();
                    assert!((found - exact).abs() < 1e-6 * scale, "{found} against {exact}");
                }
                // A query's result does not depend on the other queries.
                assert_eq!(products(&index, 0..index.count(), &[query])[0], found);
                assert_eq!(products(&index, 5..9, &[query])[0], found[5..9]);
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
            let values: Vec<f32> = (0..2 * dim).map(value).collect();
            let mut bytes = Vec::new();
            row::encode(&values, dim, &mut bytes);
            let queries = [1, 2, 3].map(|s| (0..2 * dim).map(|i| f64::from(value(i + s))).collect::<Vec<_>>());
            let scaled = queries.map(|q| Scaled::new(&q, dim));
            let scaled = [&scaled[0], &scaled[1], &scaled[2]];
            let mut scratch = Scratch::new(dim);
            let [with, without] = [true, false].map(|vector| row_dots(&bytes, 2, scaled, vector, &mut scratch));
            assert_eq!(with.map(f64::to_bits), without.map(f64::to_bits), "{dim} values");
        }
    }

    #[test]
    fn results_do_not_depend_on_the_number_of_threads() {
        let dir = tempfile::tempdir().unwrap();
        let index = synthetic_index(dir.path(), 200, 8, 8);
        let query: Vec<f64> = (0..128).map(|i| (i as f64).sin()).collect();
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| products(&index, 0..index.count(), &[&query, &query[..]]))
        };
        assert_eq!(with(1), with(3));
    }
}
