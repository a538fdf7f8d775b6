//! The methods that ours are compared with, each behind [`crate::Attributor`]: scores are positive where training on the
//! example lowered the query's loss.
//!
//! The gradient methods share [`gradients::ExampleGradients`], the unprojected gradients of the adapter's parameters,
//! which need N · P · 4 bytes: they are for measuring, not for serving.

pub mod bm25;
pub mod datainf;
pub mod gradient;
pub mod gradients;
pub mod random;
pub mod repsim;
pub mod tracin;

use crate::attributor::{ExampleId, QueryItem};
use openledger_lm::Example;
use std::sync::Arc;

/// A query's item as an example, to be passed through the model.
fn example_of(item: &QueryItem) -> Example {
    Example { id: [0; 32], tokens: item.tokens.clone(), loss_from: item.loss_from }
}

/// The examples' identities, in order.
fn ids_of(examples: &[Example]) -> Arc<[ExampleId]> {
    examples.iter().map(|e| e.id).collect()
}

/// Σ aᵢ bᵢ in f64, in eight interleaved partial sums.
fn dot(a: &[f32], b: &[f32]) -> f64 {
    let mut lanes = [0f64; 8];
    let (a8, a_rest) = a.as_chunks::<8>();
    let (b8, b_rest) = b.as_chunks::<8>();
    for (x, y) in a8.iter().zip(b8) {
        for l in 0..8 {
            lanes[l] += f64::from(x[l]) * f64::from(y[l]);
        }
    }
    lanes.iter().sum::<f64>() + a_rest.iter().zip(b_rest).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>()
}

/// Refuses a damping that is not positive and finite, naming the field.
fn check_damping(field: &'static str, damping: f64) -> crate::Result<()> {
    if damping > 0.0 && damping.is_finite() {
        return Ok(());
    }
    Err(crate::AttributionError::setting(field, format!("must be positive and finite, is {damping}")))
}
