//! The damped empirical Fisher matrix of every layer, in factorised form.

use super::cholesky::Cholesky;
use crate::{
    error::{AttributionError, Result},
    index::reader::IndexReader,
    vector::{axpy, dot},
};
use rayon::prelude::*;

/// (F + λI)⁻¹ of one layer.
enum LayerFactor {
    /// Factor of F + λI, D × D. Used for N ≥ D rows.
    Primal(Cholesky),
    /// Factor of M = G Gᵀ + NλI, N × N. Used for N < D rows G. (F + λI)⁻¹ = (I − Gᵀ M⁻¹ G) / λ (Woodbury).
    Dual { gram: Cholesky, lambda: f64 },
    /// Every row is zero. There is no curvature and no score.
    Zero,
}

/// The factors of all layers, and the self-influence of each training example under them.
pub struct Fisher {
    layers: Vec<LayerFactor>,
    self_influence: Vec<f64>,
}

impl Fisher {
    /// Factorises the Fisher matrices of the index. λ is `damping` times the mean eigenvalue of each. The result does
    /// not depend on the number of threads.
    pub fn fit(index: &IndexReader, damping: f64) -> Result<Self> {
        let fitted = (0..index.header().row_layers())
            .into_par_iter()
            .map(|layer| fit_layer(index, layer, damping))
            .collect::<Result<Vec<_>>>()?;
        let mut self_influence = vec![0.0; index.count()];
        let mut layers = Vec::with_capacity(fitted.len());
        let weights = index.header().section_weights();
        let per_section = index.header().layers.len();
        for (layer, (factor, own)) in fitted.into_iter().enumerate() {
            axpy(weights[layer / per_section], &own, &mut self_influence);
            layers.push(factor);
        }
        Ok(Self { layers, self_influence })
    }

    /// gᵢᵀ (F + λI)⁻¹ gᵢ over all layers, for every row i of the index. Sections count by their weights.
    pub fn self_influence(&self) -> &[f64] {
        &self.self_influence
    }

    /// Replaces each layer of `query` (layers × D) by (F + λI)⁻¹ times it. `index` must be the one that was fitted.
    pub fn precondition(&self, index: &IndexReader, query: &mut [f64]) {
        let dim = index.header().layer_dim();
        query.par_chunks_mut(dim).zip(&self.layers).enumerate().for_each(|(layer, (q, factor))| match factor {
            LayerFactor::Primal(cholesky) => cholesky.solve(q),
            LayerFactor::Dual { gram, lambda } => {
                let mut row = vec![0.0; dim];
                let mut c: Vec<f64> = (0..index.count())
                    .map(|i| {
                        index.layer(i, layer).decode(&mut row);
                        dot(&row, q)
                    })
                    .collect();
                gram.solve(&mut c);
                for (i, c) in c.into_iter().enumerate() {
                    index.layer(i, layer).decode(&mut row);
                    axpy(-c, &row, q);
                }
                q.iter_mut().for_each(|v| *v /= lambda);
            }
            LayerFactor::Zero => q.fill(0.0),
        });
    }

    /// Replaces each layer of `gradient` by L⁻¹ times it, where F + λI = LLᵀ. If a layer was factorised through fewer
    /// rows than dimensions, returns `false` and changes nothing.
    pub fn whiten(&self, gradient: &mut [f64]) -> bool {
        if self.layers.iter().any(|l| matches!(l, LayerFactor::Dual { .. })) {
            return false;
        }
        let dim = gradient.len() / self.layers.len();
        gradient.par_chunks_exact_mut(dim).zip(&self.layers).for_each(|(g, factor)| match factor {
            LayerFactor::Primal(cholesky) => cholesky.forward(g),
            _ => g.fill(0.0),
        });
        true
    }
}

/// Factor of one layer, and the self-influence of every row in that layer.
fn fit_layer(index: &IndexReader, layer: usize, damping: f64) -> Result<(LayerFactor, Vec<f64>)> {
    let (n, dim) = (index.count(), index.header().layer_dim());
    let mut row = vec![0.0; dim];
    let mut energy = 0.0;
    for i in 0..n {
        index.layer(i, layer).decode(&mut row);
        energy += dot(&row, &row);
    }
    if energy == 0.0 {
        return Ok((LayerFactor::Zero, vec![0.0; n]));
    }
    // trace(F) = energy / N
    let lambda = damping * energy / (n as f64 * dim as f64);
    let factorise = |matrix, size| {
        Cholesky::new(matrix, size).map_err(|pivot| AttributionError::NotPositiveDefinite {
            layer: index.header().layer_name(layer).to_owned(),
            pivot,
        })
    };
    if n < dim { dual(index, layer, lambda, factorise) } else { primal(index, layer, lambda, factorise) }
}

fn primal(
    index: &IndexReader,
    layer: usize,
    lambda: f64,
    factorise: impl Fn(Vec<f64>, usize) -> Result<Cholesky>,
) -> Result<(LayerFactor, Vec<f64>)> {
    let (n, dim) = (index.count(), index.header().layer_dim());
    let mut row = vec![0.0; dim];
    let mut matrix = vec![0.0; dim * dim];
    for i in 0..n {
        index.layer(i, layer).decode(&mut row);
        for (j, line) in matrix.chunks_exact_mut(dim).enumerate() {
            axpy(row[j] / n as f64, &row[..=j], &mut line[..=j]);
        }
    }
    for j in 0..dim {
        matrix[j * dim + j] += lambda;
    }
    let cholesky = factorise(matrix, dim)?;
    let own = (0..n)
        .map(|i| {
            index.layer(i, layer).decode(&mut row);
            cholesky.forward(&mut row);
            dot(&row, &row)
        })
        .collect();
    Ok((LayerFactor::Primal(cholesky), own))
}

fn dual(
    index: &IndexReader,
    layer: usize,
    lambda: f64,
    factorise: impl Fn(Vec<f64>, usize) -> Result<Cholesky>,
) -> Result<(LayerFactor, Vec<f64>)> {
    let (n, dim) = (index.count(), index.header().layer_dim());
    let mut rows = vec![0.0; n * dim];
    for (i, row) in rows.chunks_exact_mut(dim).enumerate() {
        index.layer(i, layer).decode(row);
    }
    let row = |i: usize| &rows[i * dim..][..dim];
    let mut gram = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..=i {
            let product = dot(row(i), row(j));
            gram[i * n + j] = product;
            gram[j * n + i] = product;
        }
    }
    let mut damped = gram.clone();
    for i in 0..n {
        damped[i * n + i] += n as f64 * lambda;
    }
    let cholesky = factorise(damped, n)?;
    // gᵢᵀ (F + λI)⁻¹ gᵢ = N (M⁻¹ G gᵢ)ᵢ. This avoids the cancellation of the Woodbury form.
    let own = gram
        .chunks_exact_mut(n)
        .enumerate()
        .map(|(i, products)| {
            cholesky.solve(products);
            n as f64 * products[i]
        })
        .collect();
    Ok((LayerFactor::Dual { gram: cholesky, lambda }, own))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::synthetic_index;

    const DIM: usize = 6;

    /// (F + λI)⁻¹ q by Gauss–Jordan elimination with pivoting.
    fn naive(index: &IndexReader, layer: usize, damping: f64, q: &[f64]) -> Vec<f64> {
        let rows: Vec<Vec<f64>> = (0..index.count()).map(|i| index.layer(i, layer).values().collect()).collect();
        let n = rows.len() as f64;
        let mut a: Vec<Vec<f64>> =
            (0..DIM).map(|i| (0..DIM).map(|j| rows.iter().map(|r| r[i] * r[j]).sum::<f64>() / n).collect()).collect();
        let lambda = damping * (0..DIM).map(|i| a[i][i]).sum::<f64>() / DIM as f64;
        for (i, line) in a.iter_mut().enumerate() {
            line[i] += lambda;
            line.push(q[i]);
        }
        for c in 0..DIM {
            let p = (c..DIM).max_by(|x, y| a[*x][c].abs().total_cmp(&a[*y][c].abs())).unwrap();
            a.swap(c, p);
            let pivot = a[c].clone();
            for (r, line) in a.iter_mut().enumerate() {
                let factor = if r == c { 1.0 - 1.0 / pivot[c] } else { line[c] / pivot[c] };
                for (v, p) in line.iter_mut().zip(&pivot) {
                    *v -= factor * p;
                }
            }
        }
        a.into_iter().map(|line| line[DIM]).collect()
    }

    #[test]
    fn inner_products_of_whitened_gradients_are_influence() {
        let dir = tempfile::tempdir().unwrap();
        let index = synthetic_index(dir.path(), 40, 3, 2);
        let fisher = Fisher::fit(&index, 0.1).unwrap();
        let [a, b] = [0.2, 1.1].map(|s| (0..2 * DIM).map(|i| (i as f64 * s).cos()).collect::<Vec<_>>());
        let (mut solved, mut white_a, mut white_b) = (a.clone(), a.clone(), b.clone());
        fisher.precondition(&index, &mut solved);
        assert!(fisher.whiten(&mut white_a) && fisher.whiten(&mut white_b));
        let (expected, found) = (dot(&solved, &b), dot(&white_a, &white_b));
        assert!((expected - found).abs() < 1e-9 * expected.abs(), "{found} against {expected}");
        let few = tempfile::tempdir().unwrap();
        let fisher = Fisher::fit(&synthetic_index(few.path(), 4, 3, 2), 0.1).unwrap();
        assert!(!fisher.whiten(&mut white_a), "there is no root at hand");
    }

    #[test]
    fn preconditioning_is_the_dense_solve_for_more_and_for_fewer_rows_than_dimensions() {
        let dir = tempfile::tempdir().unwrap();
        for (n, damping) in [(4, 0.1), (4, 1e-4), (6, 0.1), (40, 0.1), (40, 1e-3)] {
            let folder = dir.path().join(format!("{n}-{damping}"));
            std::fs::create_dir(&folder).unwrap();
            let index = synthetic_index(&folder, n, 3, 2);
            let fisher = Fisher::fit(&index, damping).unwrap();
            let query: Vec<f64> = (0..2 * DIM).map(|i| (i as f64).cos()).collect();
            let mut solved = query.clone();
            fisher.precondition(&index, &mut solved);
            let mut own = vec![0.0; n];
            for layer in 0..2 {
                let part = layer * DIM..(layer + 1) * DIM;
                let expected = naive(&index, layer, damping, &query[part.clone()]);
                let scale = expected.iter().fold(0f64, |m, v| m.max(v.abs()));
                for (s, e) in solved[part].iter().zip(&expected) {
                    assert!((s - e).abs() < 1e-8 * scale, "n = {n}, damping {damping}: {s} against {e}");
                }
                for (i, own) in own.iter_mut().enumerate() {
                    let row: Vec<f64> = index.layer(i, layer).values().collect();
                    *own += dot(&row, &naive(&index, layer, damping, &row));
                }
            }
            for (s, e) in fisher.self_influence().iter().zip(&own) {
                assert!((s - e).abs() < 1e-8 * e, "n = {n}, damping {damping}: self-influence {s} against {e}");
            }
        }
    }
}
