//! Influence from the gradients at the end of training. There are three forms: their inner product, their cosine, and
//! the product with the damped inverse of the Fisher matrix over all parameters (Koh & Liang 2017). The last is the
//! strongest method that uses only the end of training.

use super::gradients::ExampleGradients;
use openledger_attribution::{
    AttributionError, Method, Query, Result, Scores,
    precondition::{Cholesky, check_damping},
    vector::dot,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How two gradients are compared.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum GradientSettings {
    /// qᵀ gᵢ.
    Dot,
    /// qᵀ gᵢ / (‖q‖ ‖gᵢ‖).
    Cosine,
    /// qᵀ (GᵀG/N + λI)⁻¹ gᵢ.
    DampedInverse {
        /// λ as a fraction of mean ‖gᵢ‖² / N, the mean of the eigenvalues that are not zero.
        damping: f64,
    },
}

/// A comparison of gradients, prepared for any query.
pub struct Gradient {
    gradients: Arc<ExampleGradients>,
    settings: GradientSettings,
    /// ‖gᵢ‖. Present for cosines only.
    norms: Option<Vec<f64>>,
    /// Factor of GGᵀ/N + λI. Present for the damped inverse only: (GᵀG/N + λI)⁻¹Gᵀ = Gᵀ(GGᵀ/N + λI)⁻¹.
    inverse: Option<Cholesky>,
}

impl Gradient {
    /// Prepares the comparison. The damped inverse needs N × N f64.
    pub fn new(gradients: Arc<ExampleGradients>, settings: GradientSettings) -> Result<Self> {
        let n = gradients.count();
        let mut norms = None;
        let mut inverse = None;
        match settings {
            GradientSettings::Dot => {}
            GradientSettings::Cosine => {
                norms = Some((0..n).map(|i| dot(gradients.row(i), gradients.row(i)).sqrt()).collect());
            }
            GradientSettings::DampedInverse { damping } => {
                check_damping("damping", damping)?;
                let mut gram = gradients.gram(0..gradients.width())?;
                gram.iter_mut().for_each(|v| *v /= n as f64);
                let lambda = damping * (0..n).map(|i| gram[i * n + i]).sum::<f64>() / n as f64;
                (0..n).for_each(|i| gram[i * n + i] += lambda);
                let factor = Cholesky::new(gram, n)
                    .map_err(|pivot| AttributionError::NotPositiveDefinite { layer: "all parameters".into(), pivot })?;
                inverse = Some(factor);
            }
        }
        Ok(Self { gradients, settings, norms, inverse })
    }
}

impl Method for Gradient {
    const NAME: &'static str = "gradient";
    const VERSION: u32 = 1;
    type Settings = GradientSettings;

    fn settings(&self) -> &GradientSettings {
        &self.settings
    }

    fn score(&self, query: &Query) -> Result<Scores> {
        let own = self.gradients.query(query)?;
        let mut values = self.gradients.products(&own, 0..own.len());
        if let Some(norms) = &self.norms {
            let own = dot(&own, &own).sqrt();
            for (value, norm) in values.iter_mut().zip(norms) {
                let scale = own * norm;
                *value = if scale > 0.0 { *value / scale } else { 0.0 };
            }
        }
        if let Some(inverse) = &self.inverse {
            inverse.solve(&mut values);
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
    fn the_damped_inverse_in_example_space_is_the_one_in_parameter_space() {
        let cache = cache();
        let (n, damping) = (cache.count(), 0.3);
        let scores = Gradient::new(cache.clone(), GradientSettings::DampedInverse { damping })
            .unwrap()
            .score(&query(2))
            .unwrap();
        let q: Vec<f64> = cache.query(&query(2)).unwrap().into_iter().map(f64::from).collect();
        let rows: Vec<Vec<f64>> = (0..n).map(|i| cache.row(i).iter().map(|v| f64::from(*v)).collect()).collect();
        let energy: f64 = rows.iter().flatten().map(|v| v * v).sum();
        let lambda = damping * energy / (n * n) as f64;
        let apply = |x: &[f64]| -> Vec<f64> {
            let mut out: Vec<f64> = x.iter().map(|v| lambda * v).collect();
            for row in &rows {
                let c = row.iter().zip(x).map(|(a, b)| a * b).sum::<f64>() / n as f64;
                out.iter_mut().zip(row).for_each(|(o, r)| *o += c * r);
            }
            out
        };
        // Solves (GᵀG/N + λI) x = q by conjugate gradients. They are exact after as many steps as there are distinct
        // eigenvalues.
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
        let (mut x, mut r) = (vec![0.0; q.len()], q.clone());
        let mut p = r.clone();
        for _ in 0..30 {
            let (rr, ap) = (dot(&r, &r), apply(&p));
            if rr == 0.0 {
                break;
            }
            let alpha = rr / dot(&p, &ap);
            x.iter_mut().zip(&p).for_each(|(x, p)| *x += alpha * p);
            r.iter_mut().zip(&ap).for_each(|(r, a)| *r -= alpha * a);
            let beta = dot(&r, &r) / rr;
            p.iter_mut().zip(&r).for_each(|(p, r)| *p = r + beta * *p);
        }
        for (score, row) in scores.values.iter().zip(&rows) {
            let expected = dot(&x, row);
            assert!((f64::from(*score) - expected).abs() < 1e-4 * expected.abs().max(1e-2), "{score}, {expected}");
        }
    }

    #[test]
    fn an_examples_cosine_with_itself_is_one_and_its_product_its_squared_norm() {
        let cache = cache();
        let cosine = Gradient::new(cache.clone(), GradientSettings::Cosine).unwrap().score(&query(4)).unwrap();
        assert!((cosine.values[4] - 1.0).abs() < 1e-4);
        assert!(cosine.values.iter().all(|v| v.abs() < 1.0001));
        let product = Gradient::new(cache.clone(), GradientSettings::Dot).unwrap().score(&query(4)).unwrap();
        let norm = dot(cache.row(4), cache.row(4)) as f32;
        assert!((product.values[4] - norm).abs() < 1e-3 * norm);
    }

    #[test]
    fn a_damping_that_is_not_positive_is_refused() {
        for damping in [0.0, -1.0, f64::NAN] {
            let error = Gradient::new(cache(), GradientSettings::DampedInverse { damping }).err().unwrap();
            assert!(matches!(error, AttributionError::Setting { field: "damping", .. }));
        }
    }
}
