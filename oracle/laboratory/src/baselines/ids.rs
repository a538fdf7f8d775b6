//! The examples that a baseline's scores belong to.

use openledger_attribution::ExampleId;
use openledger_lm::Example;
use std::sync::Arc;

/// The examples' identities, in order.
pub(super) fn ids_of(examples: &[Example]) -> Arc<[ExampleId]> {
    examples.iter().map(|e| e.id).collect()
}
