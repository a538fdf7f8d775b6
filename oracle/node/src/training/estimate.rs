//! What an influence index says of the validation loss: published by the trainer, worked out again by every verifier.

use anyhow::Result;
use openledger_attribution::{Attributor, Logra, Query, QueryItem};
use openledger_lm::f32_bytes;

/// What the index estimates that each training example did for the validation loss, as bytes; `None` without held-out
/// examples.
pub fn validation_scores(logra: &Logra, validation: Vec<QueryItem>) -> Result<Option<Vec<u8>>> {
    if validation.is_empty() {
        return Ok(None);
    }
    Ok(Some(f32_bytes(&logra.score(&Query::new(validation)?)?.values)))
}
