//! Curvature of the loss, so that directions which every example shares count less than those that tell them apart.
//!
//! Each layer's projected gradients g (N rows of D values) give its empirical Fisher matrix F = (1/N) Σ g gᵀ. Influence
//! is qᵀ (F + λI)⁻¹ g with λ relative to the mean eigenvalue: λ = damping · trace(F) / D. Queries are multiplied by the
//! inverse, not the rows: one solve a layer and query, and the index does not depend on the damping.

mod cholesky;
mod fisher;

pub use fisher::Fisher;

use crate::error::{AttributionError, Result};
use serde::{Deserialize, Serialize};

/// What is done to a query's gradient before it meets the rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Preconditioner {
    /// Nothing: plain inner products.
    None,
    /// Multiplied by each layer's inverse damped Fisher matrix.
    Fisher {
        /// λ as a fraction of the matrix's mean eigenvalue, positive.
        damping: f64,
    },
}

impl Preconditioner {
    /// Refuses values out of range, naming the field.
    pub fn validate(&self) -> Result<()> {
        match *self {
            Self::Fisher { damping } if !(damping > 0.0 && damping.is_finite()) => Err(AttributionError::setting(
                "preconditioner.damping",
                format!("must be positive and finite, is {damping}"),
            )),
            _ => Ok(()),
        }
    }
}
