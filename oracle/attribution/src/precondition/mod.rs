//! Curvature of the loss, so that directions which every example shares count less than those that tell them apart.
//!
//! Each layer's projected gradients g (N rows of D values) give its empirical Fisher matrix F = (1/N) Σ g gᵀ, or a
//! Kronecker-factored approximation of it. Influence is qᵀ (F + λI)⁻¹ g with λ relative to the mean eigenvalue:
//! λ = damping · trace(F) / D. Queries are multiplied by the inverse, not the rows: one solve a layer and query, and the
//! index does not depend on the damping.

mod cholesky;
mod fisher;
mod kronecker;

pub use cholesky::Cholesky;
pub use fisher::Fisher;
pub use kronecker::Kronecker;

use crate::{
    error::{AttributionError, Result},
    index::reader::IndexReader,
};
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
    /// Multiplied by the inverse of each layer's damped Kronecker-factored Fisher matrix.
    Kfac {
        /// λ as a fraction of the matrix's mean eigenvalue, positive.
        damping: f64,
    },
    /// As `Kfac`, with corrected eigenvalues.
    Ekfac {
        /// λ as a fraction of the matrix's mean eigenvalue, positive.
        damping: f64,
    },
}

impl Preconditioner {
    /// Refuses values out of range, naming the field.
    pub fn validate(&self) -> Result<()> {
        match *self {
            Self::Fisher { damping } | Self::Kfac { damping } | Self::Ekfac { damping } => {
                check_damping("preconditioner.damping", damping)
            }
            Self::None => Ok(()),
        }
    }
}

/// Refuses a damping that is not positive and finite, naming the setting `field`.
pub fn check_damping(field: &'static str, damping: f64) -> Result<()> {
    if damping > 0.0 && damping.is_finite() {
        return Ok(());
    }
    Err(AttributionError::setting(field, format!("must be positive and finite, is {damping}")))
}

/// A fitted preconditioner.
pub enum Curvature {
    /// Dense, layer by layer.
    Fisher(Fisher),
    /// Kronecker-factored.
    Kronecker(Kronecker),
}

impl Curvature {
    /// Fits what `preconditioner` asks for to the rows of the index, nothing for `None`.
    pub fn fit(index: &IndexReader, preconditioner: Preconditioner) -> Result<Option<Self>> {
        preconditioner.validate()?;
        Ok(match preconditioner {
            Preconditioner::None => None,
            Preconditioner::Fisher { damping } => Some(Self::Fisher(Fisher::fit(index, damping)?)),
            Preconditioner::Kfac { damping } => Some(Self::Kronecker(Kronecker::fit(index, damping, false))),
            Preconditioner::Ekfac { damping } => Some(Self::Kronecker(Kronecker::fit(index, damping, true))),
        })
    }

    /// gᵢᵀ (F + λI)⁻¹ gᵢ over all layers, for every row i of the index.
    pub fn self_influence(&self) -> &[f64] {
        match self {
            Self::Fisher(fisher) => fisher.self_influence(),
            Self::Kronecker(kronecker) => kronecker.self_influence(),
        }
    }

    /// Replaces each layer of `query` (layers × D) by (F + λI)⁻¹ times it. `index` is the one that was fitted.
    pub fn precondition(&self, index: &IndexReader, query: &mut [f64]) {
        match self {
            Self::Fisher(fisher) => fisher.precondition(index, query),
            Self::Kronecker(kronecker) => kronecker.precondition(query),
        }
    }

    /// Replaces each layer of a gradient g (layers × D) by R g with RᵀR = (F + λI)⁻¹: inner products of such vectors are
    /// influence. Gives `false` and leaves g as it is where the factors at hand have no such root: a dense Fisher matrix
    /// of fewer rows than dimensions.
    pub fn whiten(&self, gradient: &mut [f64]) -> bool {
        match self {
            Self::Fisher(fisher) => fisher.whiten(gradient),
            Self::Kronecker(kronecker) => {
                kronecker.whiten(gradient);
                true
            }
        }
    }
}
