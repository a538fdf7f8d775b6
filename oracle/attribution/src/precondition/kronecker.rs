//! Kronecker-factored curvature of every layer: KFAC (Martens & Grosse 2015) and EK-FAC (George et al. 2018) in the
//! projected space.
//!
//! A row holds each layer's gradient as a k_out × k_in matrix G, or as two matrices for the adapter's A and B. G's
//! second moments along its two sides are A = (1/N) Σ GᵀG and B = (1/N) Σ GGᵀ. Both have the same trace τ. KFAC takes F
//! ≈ (B ⊗ A) / τ. This has the trace of F in any case, and is exact if G's two sides vary independently. EK-FAC keeps
//! the eigenvectors. Instead of the product of eigenvalues it takes the true second moment of the gradients along each
//! product of eigenvectors. This is the best diagonal in that basis.

use crate::{eigen::eigen, index::reader::IndexReader, vector::axpy};
use rayon::prelude::*;
use std::ops::Range;

/// A matrix within a layer of every row.
#[derive(Clone)]
struct Block {
    layer: usize,
    /// Its place in the layer.
    range: Range<usize>,
    rows: usize,
    columns: usize,
}

/// The eigenbasis of one block, and 1 / (eigenvalue + λ) in it.
struct BlockFactor {
    /// Eigenvectors of A as columns, columns × columns.
    right: Vec<f64>,
    /// Eigenvectors of B as columns, rows × rows.
    left: Vec<f64>,
    /// 1 / (eigenvalue + λ), rows × columns.
    inverse: Vec<f64>,
}

/// The factors of all layers, and the self-influence of each training example under them.
pub struct Kronecker {
    /// Each block with its factor. `None` if every row is zero.
    blocks: Vec<(Block, Option<BlockFactor>)>,
    self_influence: Vec<f64>,
    layer_dim: usize,
}

impl Kronecker {
    /// Factorises the second moments of the index. λ is `damping` times the mean eigenvalue of each matrix. `corrected`
    /// takes EK-FAC's eigenvalues, otherwise KFAC's. The result does not depend on the number of threads.
    pub fn fit(index: &IndexReader, damping: f64, corrected: bool) -> Self {
        let mut blocks = Vec::new();
        for layer in 0..index.header().row_layers() {
            let mut at = 0;
            for (rows, columns) in index.header().blocks() {
                blocks.push(Block { layer, range: at..at + rows * columns, rows, columns });
                at += rows * columns;
            }
        }
        let fitted: Vec<(Option<BlockFactor>, Vec<f64>)> =
            blocks.par_iter().map(|block| fit_block(index, block, damping, corrected)).collect();
        let mut self_influence = vec![0.0; index.count()];
        let mut factored = Vec::with_capacity(blocks.len());
        let weights = index.header().section_weights();
        let per_section = index.header().layers.len();
        for (block, (factor, own)) in blocks.into_iter().zip(fitted) {
            axpy(weights[block.layer / per_section], &own, &mut self_influence);
            factored.push((block, factor));
        }
        Self { blocks: factored, self_influence, layer_dim: index.header().layer_dim() }
    }

    /// gᵢᵀ (F + λI)⁻¹ gᵢ over all layers, for every row i of the index. Sections count by their weights.
    pub fn self_influence(&self) -> &[f64] {
        &self.self_influence
    }

    /// Replaces each layer of `query` (layers × layer_dim) by (F + λI)⁻¹ times it.
    pub fn precondition(&self, query: &mut [f64]) {
        for (block, factor) in &self.blocks {
            let q = &mut query[block.layer * self.layer_dim..][block.range.clone()];
            match factor {
                None => q.fill(0.0),
                Some(factor) => {
                    let mut rotated = rotate(q, factor, block);
                    rotated.iter_mut().zip(&factor.inverse).for_each(|(v, inverse)| *v *= inverse);
                    q.copy_from_slice(&rotate_back(&rotated, factor, block));
                }
            }
        }
    }

    /// Replaces each layer of `gradient` by R times it, where RᵀR = (F + λI)⁻¹. These are its values in the eigenbasis,
    /// divided by the roots of the damped eigenvalues.
    pub fn whiten(&self, gradient: &mut [f64]) {
        for (block, factor) in &self.blocks {
            let g = &mut gradient[block.layer * self.layer_dim..][block.range.clone()];
            match factor {
                None => g.fill(0.0),
                Some(factor) => {
                    let rotated = rotate(g, factor, block);
                    for (g, (v, inverse)) in g.iter_mut().zip(rotated.iter().zip(&factor.inverse)) {
                        *g = v * inverse.sqrt();
                    }
                }
            }
        }
    }
}

/// leftᵀ · G · right.
fn rotate(gradient: &[f64], factor: &BlockFactor, block: &Block) -> Vec<f64> {
    let turned = product(&transposed(&factor.left, block.rows), gradient, block.columns);
    product(&turned, &factor.right, block.columns)
}

/// left · G · rightᵀ.
fn rotate_back(rotated: &[f64], factor: &BlockFactor, block: &Block) -> Vec<f64> {
    let turned = product(&factor.left, rotated, block.columns);
    product(&turned, &transposed(&factor.right, block.columns), block.columns)
}

/// a (rows, inner) times b (inner, columns).
fn product(a: &[f64], b: &[f64], columns: usize) -> Vec<f64> {
    let inner = b.len() / columns;
    let mut out = vec![0.0; a.len() / inner * columns];
    for (row, out) in a.chunks_exact(inner).zip(out.chunks_exact_mut(columns)) {
        for (factor, line) in row.iter().zip(b.chunks_exact(columns)) {
            axpy(*factor, line, out);
        }
    }
    out
}

fn transposed(matrix: &[f64], columns: usize) -> Vec<f64> {
    let rows = matrix.len() / columns;
    (0..matrix.len()).map(|e| matrix[e % rows * columns + e / rows]).collect()
}

/// Factor of one block, and the self-influence of every row in that block.
fn fit_block(index: &IndexReader, block: &Block, damping: f64, corrected: bool) -> (Option<BlockFactor>, Vec<f64>) {
    let &Block { rows, columns, .. } = block;
    let n = index.count();
    let mut layer = vec![0.0; index.header().layer_dim()];
    let mut gradient = |i: usize| -> Vec<f64> {
        index.layer(i, block.layer).decode(&mut layer);
        layer[block.range.clone()].to_vec()
    };
    let (mut a, mut b) = (vec![0.0; columns * columns], vec![0.0; rows * rows]);
    for i in 0..n {
        let g = gradient(i);
        let t = transposed(&g, columns);
        a.iter_mut().zip(product(&t, &g, columns)).for_each(|(sum, v)| *sum += v / n as f64);
        b.iter_mut().zip(product(&g, &t, rows)).for_each(|(sum, v)| *sum += v / n as f64);
    }
    let trace: f64 = (0..columns).map(|i| a[i * columns + i]).sum();
    if trace == 0.0 {
        return (None, vec![0.0; n]);
    }
    let (right, left) = (eigen(&a, columns), eigen(&b, rows));
    let products = left.values.iter().flat_map(|b| right.values.iter().map(move |a| (b * a / trace).max(0.0)));
    let mut factor = BlockFactor { inverse: products.collect(), right: right.vectors, left: left.vectors };
    let rotated: Vec<Vec<f64>> = (0..n).map(|i| rotate(&gradient(i), &factor, block)).collect();
    if corrected {
        factor.inverse.fill(0.0);
        for row in &rotated {
            factor.inverse.iter_mut().zip(row).for_each(|(sum, v)| *sum += v * v / n as f64);
        }
    }
    let lambda = damping * trace / (rows * columns) as f64;
    factor.inverse.iter_mut().for_each(|v| *v = 1.0 / (*v + lambda));
    let own = rotated.iter().map(|row| row.iter().zip(&factor.inverse).map(|(v, inverse)| v * v * inverse).sum());
    let own = own.collect();
    (Some(factor), own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{precondition::cholesky::Cholesky, testing::synthetic_index};

    const K_IN: usize = 3;
    const K_OUT: usize = 2;
    const DIM: usize = K_IN * K_OUT;

    /// The D × D matrix by which KFAC approximates the Fisher matrix, written out.
    fn written_out(rows: &[Vec<f64>]) -> Vec<f64> {
        let n = rows.len() as f64;
        let a = |i: usize, j: usize| -> f64 {
            rows.iter().flat_map(|g| (0..K_OUT).map(move |o| g[o * K_IN + i] * g[o * K_IN + j])).sum::<f64>() / n
        };
        let b = |o: usize, p: usize| -> f64 {
            rows.iter().flat_map(|g| (0..K_IN).map(move |i| g[o * K_IN + i] * g[p * K_IN + i])).sum::<f64>() / n
        };
        let trace: f64 = (0..K_IN).map(|i| a(i, i)).sum();
        (0..DIM * DIM)
            .map(|e| {
                let ((o, i), (p, j)) = ((e / DIM / K_IN, e / DIM % K_IN), (e % DIM / K_IN, e % DIM % K_IN));
                b(o, p) * a(i, j) / trace
            })
            .collect()
    }

    fn rows(index: &IndexReader, layer: usize) -> Vec<Vec<f64>> {
        (0..index.count()).map(|i| index.layer(i, layer).values().collect()).collect()
    }

    #[test]
    fn kfac_is_the_solve_with_the_explicit_kronecker_product() {
        let dir = tempfile::tempdir().unwrap();
        let index = synthetic_index(dir.path(), 20, K_IN, K_OUT);
        let kfac = Kronecker::fit(&index, 0.1, false);
        let query: Vec<f64> = (0..2 * DIM).map(|i| (i as f64).cos()).collect();
        let mut solved = query.clone();
        kfac.precondition(&mut solved);
        let mut own = [0.0; 20];
        for layer in 0..2 {
            let rows = rows(&index, layer);
            let mut matrix = written_out(&rows);
            let lambda = 0.1 * (0..DIM).map(|i| matrix[i * DIM + i]).sum::<f64>() / DIM as f64;
            (0..DIM).for_each(|i| matrix[i * DIM + i] += lambda);
            let dense = Cholesky::new(matrix, DIM).ok().unwrap();
            let mut expected = query[layer * DIM..][..DIM].to_vec();
            dense.solve(&mut expected);
            let scale = expected.iter().fold(0f64, |m, v| m.max(v.abs()));
            for (s, e) in solved[layer * DIM..].iter().zip(&expected) {
                assert!((s - e).abs() < 1e-9 * scale, "{s} against {e}");
            }
            for (own, row) in own.iter_mut().zip(&rows) {
                let mut direction = row.clone();
                dense.solve(&mut direction);
                *own += row.iter().zip(&direction).map(|(r, d)| r * d).sum::<f64>();
            }
        }
        for (s, e) in kfac.self_influence().iter().zip(own) {
            assert!((s - e).abs() < 1e-9 * e, "self-influence {s} against {e}");
        }
    }

    #[test]
    fn inner_products_of_whitened_gradients_are_influence() {
        let dir = tempfile::tempdir().unwrap();
        let kronecker = Kronecker::fit(&synthetic_index(dir.path(), 20, K_IN, K_OUT), 0.1, true);
        let [a, b] = [0.2, 1.1].map(|s| (0..2 * DIM).map(|i| (i as f64 * s).cos()).collect::<Vec<_>>());
        let (mut solved, mut white_a, mut white_b) = (a.clone(), a, b.clone());
        kronecker.precondition(&mut solved);
        kronecker.whiten(&mut white_a);
        kronecker.whiten(&mut white_b);
        let inner = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
        let (expected, found) = (inner(&solved, &b), inner(&white_a, &white_b));
        assert!((expected - found).abs() < 1e-9 * expected.abs(), "{found} against {expected}");
    }

    #[test]
    fn the_corrected_eigenvalues_are_nearer_to_the_fisher_matrix() {
        let dir = tempfile::tempdir().unwrap();
        let index = synthetic_index(dir.path(), 20, K_IN, K_OUT);
        let rows = rows(&index, 0);
        let fisher: Vec<f64> = (0..DIM * DIM)
            .map(|e| rows.iter().map(|g| g[e / DIM] * g[e % DIM]).sum::<f64>() / rows.len() as f64)
            .collect();
        let lambda = 0.1 * (0..DIM).map(|i| fisher[i * DIM + i]).sum::<f64>() / DIM as f64;
        // The approximation itself: the inverse of the matrix of the solve's columns, less the damping.
        let distance = |corrected: bool| -> f64 {
            let kronecker = Kronecker::fit(&index, 0.1, corrected);
            let (block, Some(factor)) = &kronecker.blocks[0] else { panic!("no row is zero") };
            let mut sum = 0.0;
            for column in 0..DIM {
                let mut unit = vec![0.0; DIM];
                unit[column] = 1.0;
                let mut rotated = rotate(&unit, factor, block);
                rotated.iter_mut().zip(&factor.inverse).for_each(|(v, inverse)| *v *= 1.0 / inverse - lambda);
                let back = rotate_back(&rotated, factor, block);
                sum += back.iter().zip(0..).map(|(v, r)| (v - fisher[r * DIM + column]).powi(2)).sum::<f64>();
            }
            sum
        };
        assert!(distance(true) < distance(false), "{} against {}", distance(true), distance(false));
    }
}
