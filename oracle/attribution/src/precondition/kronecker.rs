//! Kronecker-factored curvature of every layer: KFAC (Martens & Grosse 2015) and EK-FAC (George et al. 2018) in the
//! projected space.
//!
//! A row is a layer's gradient as a k_out × k_in matrix G. Its second moments along either side are A = (1/N) Σ GᵀG and
//! B = (1/N) Σ GGᵀ, of the same trace τ. KFAC takes F ≈ (B ⊗ A) / τ, which is exact where G's two sides vary
//! independently and has the trace of F in any case. EK-FAC keeps the eigenvectors and takes the true second moment of
//! the gradients along each product of them instead of the product of eigenvalues: the best diagonal in that basis.

use super::decode;
use crate::{
    eigen::eigen,
    error::{AttributionError, Result},
    index::reader::IndexReader,
};
use rayon::prelude::*;

/// The eigenbasis of one layer and 1 / (eigenvalue + λ) in it; `None` where every row is zero.
struct LayerFactor {
    /// Eigenvectors of A as columns, k_in × k_in.
    right: Vec<f64>,
    /// Eigenvectors of B as columns, k_out × k_out.
    left: Vec<f64>,
    /// k_out × k_in.
    inverse: Vec<f64>,
}

/// The factors of all layers, and what each training example's gradient measures in them.
pub struct Kronecker {
    layers: Vec<Option<LayerFactor>>,
    self_influence: Vec<f64>,
    k_in: usize,
}

impl Kronecker {
    /// Factorises the second moments of the index, λ being `damping` times the mean eigenvalue of each layer. With
    /// `corrected`, EK-FAC's eigenvalues, else KFAC's. Deterministic whatever the number of threads.
    pub fn fit(index: &IndexReader, damping: f64, corrected: bool) -> Result<Self> {
        if index.header().rank.is_some() {
            return Err(AttributionError::setting(
                "preconditioner.kind",
                "Kronecker factors need full-weight gradients; take `fisher` with `adapter` projections",
            ));
        }
        let fitted: Vec<(Option<LayerFactor>, Vec<f64>)> = (0..index.header().layers.len())
            .into_par_iter()
            .map(|layer| fit_layer(index, layer, damping, corrected))
            .collect();
        let mut self_influence = vec![0.0; index.count()];
        let mut layers = Vec::with_capacity(fitted.len());
        for (factor, own) in fitted {
            for (sum, own) in self_influence.iter_mut().zip(own) {
                *sum += own;
            }
            layers.push(factor);
        }
        Ok(Self { layers, self_influence, k_in: index.header().settings.k_in })
    }

    /// gᵢᵀ (F + λI)⁻¹ gᵢ over all layers, for every row i of the index.
    pub fn self_influence(&self) -> &[f64] {
        &self.self_influence
    }

    /// Replaces each layer of `query` (layers × k_out·k_in) by (F + λI)⁻¹ times it.
    pub fn precondition(&self, query: &mut [f64]) {
        for (q, factor) in query.chunks_exact_mut(query.len() / self.layers.len()).zip(&self.layers) {
            match factor {
                None => q.fill(0.0),
                Some(factor) => {
                    let mut rotated = rotate(q, factor, self.k_in);
                    rotated.iter_mut().zip(&factor.inverse).for_each(|(v, inverse)| *v *= inverse);
                    // left · R · rightᵀ
                    let back = product(&factor.left, &rotated, self.k_in);
                    q.copy_from_slice(&product(&back, &transposed(&factor.right, self.k_in), self.k_in));
                }
            }
        }
    }
}

/// leftᵀ · G · right.
fn rotate(gradient: &[f64], factor: &LayerFactor, k_in: usize) -> Vec<f64> {
    let k_out = gradient.len() / k_in;
    product(&product(&transposed(&factor.left, k_out), gradient, k_in), &factor.right, k_in)
}

/// a (rows, inner) times b (inner, columns).
fn product(a: &[f64], b: &[f64], columns: usize) -> Vec<f64> {
    let inner = b.len() / columns;
    let mut out = vec![0.0; a.len() / inner * columns];
    for (row, out) in a.chunks_exact(inner).zip(out.chunks_exact_mut(columns)) {
        for (factor, line) in row.iter().zip(b.chunks_exact(columns)) {
            super::cholesky::axpy(*factor, line, out);
        }
    }
    out
}

fn transposed(matrix: &[f64], columns: usize) -> Vec<f64> {
    let rows = matrix.len() / columns;
    (0..matrix.len()).map(|e| matrix[e % rows * columns + e / rows]).collect()
}

/// Factor of one layer and the self-influence of every row in it.
fn fit_layer(index: &IndexReader, layer: usize, damping: f64, corrected: bool) -> (Option<LayerFactor>, Vec<f64>) {
    let (k_in, k_out) = (index.header().settings.k_in, index.header().settings.k_out);
    let n = index.count();
    let mut g = vec![0.0; k_in * k_out];
    let (mut a, mut b) = (vec![0.0; k_in * k_in], vec![0.0; k_out * k_out]);
    for i in 0..n {
        decode(index, i, layer, &mut g);
        let t = transposed(&g, k_in);
        a.iter_mut().zip(product(&t, &g, k_in)).for_each(|(sum, v)| *sum += v / n as f64);
        b.iter_mut().zip(product(&g, &t, k_out)).for_each(|(sum, v)| *sum += v / n as f64);
    }
    let trace: f64 = (0..k_in).map(|i| a[i * k_in + i]).sum();
    if trace == 0.0 {
        return (None, vec![0.0; n]);
    }
    let (right, left) = (eigen(&a, k_in), eigen(&b, k_out));
    let products = left.values.iter().flat_map(|b| right.values.iter().map(move |a| (b * a / trace).max(0.0)));
    let mut factor = LayerFactor { right: right.vectors, left: left.vectors, inverse: products.collect() };
    let rotated: Vec<Vec<f64>> = (0..n)
        .map(|i| {
            decode(index, i, layer, &mut g);
            rotate(&g, &factor, k_in)
        })
        .collect();
    if corrected {
        factor.inverse.fill(0.0);
        for row in &rotated {
            factor.inverse.iter_mut().zip(row).for_each(|(sum, v)| *sum += v * v / n as f64);
        }
    }
    let lambda = damping * trace / (k_in * k_out) as f64;
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

    /// The D × D matrix that KFAC approximates the Fisher matrix by, written out.
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
        let kfac = Kronecker::fit(&index, 0.1, false).unwrap();
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
    fn the_corrected_eigenvalues_are_nearer_to_the_fisher_matrix() {
        let dir = tempfile::tempdir().unwrap();
        let index = synthetic_index(dir.path(), 20, K_IN, K_OUT);
        let rows = rows(&index, 0);
        let fisher: Vec<f64> = (0..DIM * DIM)
            .map(|e| rows.iter().map(|g| g[e / DIM] * g[e % DIM]).sum::<f64>() / rows.len() as f64)
            .collect();
        let lambda = 0.1 * (0..DIM).map(|i| fisher[i * DIM + i]).sum::<f64>() / DIM as f64;
        // The approximation itself: the inverse of the solve's columns, less the damping.
        let distance = |corrected: bool| -> f64 {
            let kronecker = Kronecker::fit(&index, 0.1, corrected).unwrap();
            let factor = kronecker.layers[0].as_ref().unwrap();
            let mut sum = 0.0;
            for column in 0..DIM {
                let mut unit = vec![0.0; DIM];
                unit[column] = 1.0;
                let mut rotated = rotate(&unit, factor, K_IN);
                rotated.iter_mut().zip(&factor.inverse).for_each(|(v, inverse)| *v *= 1.0 / inverse - lambda);
                let back = product(&factor.left, &rotated, K_IN);
                let back = product(&back, &transposed(&factor.right, K_IN), K_IN);
                sum += back.iter().zip(0..).map(|(v, r)| (v - fisher[r * DIM + column]).powi(2)).sum::<f64>();
            }
            sum
        };
        assert!(distance(true) < distance(false), "{} against {}", distance(true), distance(false));
    }
}
