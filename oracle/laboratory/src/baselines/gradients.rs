//! Holds the gradients of every training example with respect to the adapter's parameters in memory.

use super::ids::ids_of;
use candle_core::{DType, Device, Tensor};
use openledger_attribution::{AttributionError, ExampleId, Query, Result, Scores, vector::dot};
use openledger_lm::{Adapter, BaseModel, Batch, Example, forward_backward, per_example_grads};
use rayon::prelude::*;
use std::{ops::Range, sync::Arc};

/// Number of examples in one backward pass.
const BATCH: usize = 16;

/// N × P gradients ∇ℓᵢ, row-major f32, and the model that gives a query's gradient. 400 examples of a rank-4 adapter of
/// the tiny Llama (9,472 parameters) take 15 MB. 10,000 examples of SmolLM2-135M's rank-8 adapter on q and v (0.9
/// million parameters) take 36 GB.
pub struct ExampleGradients {
    base: Arc<BaseModel>,
    adapter: Adapter,
    ids: Arc<[ExampleId]>,
    values: Vec<f32>,
}

impl ExampleGradients {
    /// Computes the gradients at `adapter`. Fails if they would take more than `limit` bytes.
    pub fn compute(base: Arc<BaseModel>, adapter: Adapter, examples: &[Example], limit: u64) -> Result<Self> {
        if examples.is_empty() {
            return Err(AttributionError::Examples("there are no examples to attribute to; give at least one".into()));
        }
        let bytes = (examples.len() * adapter.layout().len() * size_of::<f32>()) as u64;
        if bytes > limit {
            return Err(AttributionError::Memory { what: "the gradients of all examples", bytes, limit });
        }
        let mut values = Vec::with_capacity(examples.len() * adapter.layout().len());
        for group in examples.chunks(BATCH) {
            values.extend(gradients(&base, &adapter, group)?.into_iter().flatten());
        }
        Ok(Self { base, adapter, ids: ids_of(examples), values })
    }

    /// Number of examples N.
    pub fn count(&self) -> usize {
        self.ids.len()
    }

    /// Number of parameters P.
    pub fn width(&self) -> usize {
        self.adapter.layout().len()
    }

    /// The examples.
    pub fn ids(&self) -> &Arc<[ExampleId]> {
        &self.ids
    }

    /// The gradient of one example.
    pub fn row(&self, position: usize) -> &[f32] {
        &self.values[position * self.width()..][..self.width()]
    }

    /// The place of each of the adapter's matrices in a row: A, then B, of every layer.
    pub fn tensors(&self) -> Vec<Range<usize>> {
        self.adapter.layout().spans().iter().flat_map(|s| [s.a.clone(), s.b.clone()]).collect()
    }

    /// Σ weight · ∇loss over the query's items.
    pub fn query(&self, query: &Query) -> Result<Vec<f32>> {
        let mut sum = vec![0f32; self.width()];
        for item in query.items() {
            for row in gradients(&self.base, &self.adapter, &[item.example()])? {
                sum.iter_mut().zip(row).for_each(|(s, v)| *s += item.weight * v);
            }
        }
        Ok(sum)
    }

    /// Inner product of every example's gradient with `direction`, restricted to the parameters in `range`.
    pub fn products(&self, direction: &[f32], range: Range<usize>) -> Vec<f64> {
        self.values
            .par_chunks_exact(self.width())
            .map(|row| dot(&row[range.clone()], &direction[range.clone()]))
            .collect()
    }

    /// Inner products of all pairs of examples over the parameters in `range`: N × N, f64.
    pub fn gram(&self, range: Range<usize>) -> Result<Vec<f64>> {
        let part: Vec<f32> =
            self.values.chunks_exact(self.width()).flat_map(|row| &row[range.clone()]).copied().collect();
        let part = Tensor::from_vec(part, (self.count(), range.len()), &Device::Cpu)?.to_dtype(DType::F64)?;
        Ok(part.matmul(&part.t()?)?.flatten_all()?.to_vec1::<f64>()?)
    }

    /// The scores of all examples. Fails if a value is not finite.
    pub(super) fn scores(&self, values: Vec<f64>) -> Result<Scores> {
        if let Some(i) = values.iter().position(|v| !v.is_finite()) {
            let id = hex::encode(self.ids[i]);
            return Err(AttributionError::Scores(format!("that of example {id} is {}; raise `damping`", values[i])));
        }
        Ok(Scores { ids: self.ids.clone(), values: values.into_iter().map(|v| v as f32).collect() })
    }
}

fn gradients(base: &BaseModel, adapter: &Adapter, examples: &[Example]) -> Result<Vec<Vec<f32>>> {
    let batch = Batch::new(base, &examples.iter().collect::<Vec<_>>())?;
    let rows = per_example_grads(&forward_backward(base, adapter, &batch)?.captures, adapter)?;
    for (row, example) in rows.iter().zip(examples) {
        if row.iter().any(|v| !v.is_finite()) {
            let id = hex::encode(example.id);
            return Err(AttributionError::NonFiniteGradient { id, layer: "of the adapter".into() });
        }
    }
    Ok(rows)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::testing::{examples, model};

    /// Gradients of seven examples at the test model.
    pub(crate) fn cache() -> Arc<ExampleGradients> {
        let (base, adapter) = model();
        Arc::new(ExampleGradients::compute(base, adapter, &examples(7), 1 << 30).unwrap())
    }

    /// The loss of example `i` as a query.
    pub(crate) fn query(i: usize) -> Query {
        Query::answer(examples(7)[i].tokens.clone(), examples(7)[i].loss_from).unwrap()
    }

    #[test]
    fn rows_products_and_gram_are_those_of_the_gradients() {
        let cache = cache();
        let own = cache.query(&query(3)).unwrap();
        // The example is computed alone and padded in a batch, so the last bits may differ.
        let scale = own.iter().fold(0f32, |m, v| m.max(v.abs()));
        assert!(own.iter().zip(cache.row(3)).all(|(a, b)| (a - b).abs() < 1e-4 * scale));
        let range = cache.tensors()[3].clone();
        let gram = cache.gram(range.clone()).unwrap();
        let products = cache.products(cache.row(3), range.clone());
        for i in 0..7 {
            let exact: f64 = range.clone().map(|p| f64::from(cache.row(i)[p]) * f64::from(cache.row(3)[p])).sum();
            assert!((gram[3 * 7 + i] - exact).abs() <= 1e-9 * gram[3 * 7 + 3]);
            assert!((products[i] - exact).abs() <= 1e-9 * gram[3 * 7 + 3]);
        }
        let covered: usize = cache.tensors().iter().map(ExactSizeIterator::len).sum();
        assert_eq!(covered, cache.width());
    }

    #[test]
    fn more_than_the_limit_is_refused_before_anything_is_computed() {
        let (base, adapter) = model();
        let error = ExampleGradients::compute(base, adapter, &examples(7), 1000).err().unwrap();
        assert!(matches!(error, AttributionError::Memory { limit: 1000, .. }), "{error}");
    }
}
