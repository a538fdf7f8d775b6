//! DataInf (Kwon et al. 2024, arXiv:2310.00902). The damped Fisher matrix of each of the adapter's matrices is an
//! average of rank-one updates of λI. DataInf replaces the inverse of this average by the average of the updates'
//! inverses.
//!
//! score(i) = Σ_l (1/λ_l) · [qᵀgᵢ − (1/N) Σⱼ (qᵀgⱼ)(gⱼᵀgᵢ) / (λ_l + ‖gⱼ‖²)] over the adapter's matrices l, with
//! λ_l = damping · Σⱼ‖gⱼ‖² / (N·d_l). The Gram matrix of each l is kept. So a query costs N inner products and one N ×
//! N product for each matrix.

use super::gradients::ExampleGradients;
use openledger_attribution::{Method, Query, Result, Scores, precondition::check_damping};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::{ops::Range, sync::Arc};

/// Everything that DataInf's scores depend on besides model, adapter and data.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataInfSettings {
    /// λ of a matrix as a fraction of the mean squared gradient of its elements.
    pub damping: f64,
}

impl Default for DataInfSettings {
    /// 0.1, as DataInf's authors take.
    fn default() -> Self {
        Self { damping: 0.1 }
    }
}

/// One of the adapter's matrices.
struct Part {
    range: Range<usize>,
    lambda: f64,
    /// Inner products of the gradients, N × N.
    gram: Vec<f64>,
}

/// DataInf, prepared for any query. It holds N² · 8 bytes for each of the adapter's matrices.
pub struct DataInf {
    gradients: Arc<ExampleGradients>,
    settings: DataInfSettings,
    /// Matrices whose gradients are not all zero.
    parts: Vec<Part>,
}

impl DataInf {
    /// Computes the Gram matrices.
    pub fn new(gradients: Arc<ExampleGradients>, settings: DataInfSettings) -> Result<Self> {
        check_damping("damping", settings.damping)?;
        let n = gradients.count();
        let mut parts = Vec::new();
        for range in gradients.tensors() {
            let gram = gradients.gram(range.clone())?;
            let energy: f64 = (0..n).map(|i| gram[i * n + i]).sum();
            let lambda = settings.damping * energy / (n * range.len()) as f64;
            if lambda > 0.0 {
                parts.push(Part { range, lambda, gram });
            }
        }
        Ok(Self { gradients, settings, parts })
    }
}

impl Method for DataInf {
    const NAME: &'static str = "datainf";
    const VERSION: u32 = 1;
    type Settings = DataInfSettings;

    fn settings(&self) -> &DataInfSettings {
        &self.settings
    }

    fn score(&self, query: &Query) -> Result<Scores> {
        let own = self.gradients.query(query)?;
        let n = self.gradients.count();
        let mut values = vec![0f64; n];
        for Part { range, lambda, gram } in &self.parts {
            let products = self.gradients.products(&own, range.clone());
            let factors: Vec<f64> = (0..n).map(|j| products[j] / (lambda + gram[j * n + j]) / n as f64).collect();
            // The Gram matrix is symmetric, so row i holds gⱼᵀgᵢ for all j.
            let parts = gram
                .par_chunks_exact(n)
                .zip(&products)
                .map(|(row, product)| (product - row.iter().zip(&factors).map(|(g, f)| g * f).sum::<f64>()) / lambda);
            let parts: Vec<f64> = parts.collect();
            values.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
        }
        self.gradients.scores(values)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::gradients::tests::{cache, query},
        *,
    };

    #[test]
    fn the_vectorised_form_is_the_written_out_formula() {
        let cache = cache();
        let n = cache.count();
        let scores = DataInf::new(cache.clone(), DataInfSettings::default()).unwrap().score(&query(5)).unwrap();
        let q = cache.query(&query(5)).unwrap();
        let mut expected = vec![0f64; n];
        for range in cache.tensors() {
            let part = |i: usize| cache.row(i)[range.clone()].iter().map(|v| f64::from(*v)).collect::<Vec<_>>();
            let q: Vec<f64> = q[range.clone()].iter().map(|v| f64::from(*v)).collect();
            let inner = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
            let lambda = 0.1 * (0..n).map(|j| inner(&part(j), &part(j)) / range.len() as f64).sum::<f64>() / n as f64;
            // (1/N) Σⱼ (1/λ)(I − gⱼgⱼᵀ / (λ + ‖gⱼ‖²)) gᵢ, as a vector.
            for (i, expected) in expected.iter_mut().enumerate() {
                let g = part(i);
                let mut solved = vec![0f64; range.len()];
                for j in 0..n {
                    let other = part(j);
                    let factor = inner(&other, &g) / (lambda + inner(&other, &other));
                    for ((s, g), o) in solved.iter_mut().zip(&g).zip(&other) {
                        *s += (g - factor * o) / lambda / n as f64;
                    }
                }
                *expected += inner(&q, &solved);
            }
        }
        let scale = expected.iter().fold(0f64, |m, v| m.max(v.abs()));
        for (score, expected) in scores.values.iter().zip(&expected) {
            assert!((f64::from(*score) - expected).abs() < 1e-5 * scale, "{score} against {expected}");
        }
        assert_eq!(scores.top_k(1)[0].position, 5);
    }
}
