//! The estimates that an influence index gives for the validation loss. The trainer publishes them, and every verifier
//! works them out again.

use anyhow::Result;
use openledger_attribution::{Attributor, Logra, Query, QueryItem};
use openledger_lm::f32_bytes;

/// The index's estimate of what each training example did for the validation loss, as the bytes of f32 numbers. `None`
/// if there are no held-out examples.
pub fn validation_scores(logra: &Logra, validation: Vec<QueryItem>) -> Result<Option<Vec<u8>>> {
    if validation.is_empty() {
        return Ok(None);
    }
    Ok(Some(f32_bytes(&logra.score(&Query::new(validation)?)?.values)))
}
