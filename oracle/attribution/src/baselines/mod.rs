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

use crate::attributor::ExampleId;
use openledger_lm::Example;
use std::sync::Arc;

/// The examples' identities, in order.
fn ids_of(examples: &[Example]) -> Arc<[ExampleId]> {
    examples.iter().map(|e| e.id).collect()
}

/// Refuses a damping that is not positive and finite, naming the field.
fn check_damping(field: &'static str, damping: f64) -> crate::Result<()> {
    if damping > 0.0 && damping.is_finite() {
        return Ok(());
    }
    Err(crate::AttributionError::setting(field, format!("must be positive and finite, is {damping}")))
}
