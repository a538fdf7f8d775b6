//! Curvature of the loss. It makes directions that every example shares count less than directions that tell examples
//! apart.
//!
//! Each layer's projected gradients g (N rows of D values) give its empirical Fisher matrix F = (1/N) Σ g gᵀ, or a
//! Kronecker-factored approximation of it. Influence is qᵀ (F + λI)⁻¹ g. λ is relative to the mean eigenvalue: λ =
//! damping · trace(F) / D. The inverse multiplies the queries, not the rows. So there is one solve for each layer and
//! query, and the index does not depend on the damping.

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

/// What multiplies a query's gradient before it is compared with the rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Preconditioner {
    /// Nothing: scores are plain inner products.
    None,
    /// The inverse of each layer's damped Fisher matrix.
    Fisher {
        /// λ as a fraction of the matrix's mean eigenvalue, positive.
        damping: f64,
    },
    /// The inverse of each layer's damped Kronecker-factored Fisher matrix.
    Kfac {
        /// λ as a fraction of the matrix's mean eigenvalue, positive.
        damping: f64,
    },
    /// Like `Kfac`, with corrected eigenvalues.
    Ekfac {
        /// λ as a fraction of the matrix's mean eigenvalue, positive.
        damping: f64,
    },
}

impl Preconditioner {
    /// Fails if a value is out of range. The error names the field.
    pub fn validate(&self) -> Result<()> {
        match *self {
            Self::Fisher { damping } | Self::Kfac { damping } | Self::Ekfac { damping } => {
                check_damping("preconditioner.damping", damping)
            }
            Self::None => Ok(()),
        }
    }
}

/// Fails if a damping is not positive and finite. The error names the setting `field`.
pub fn check_damping(field: &'static str, damping: f64) -> Result<()> {
    if damping > 0.0 && damping.is_finite() {
        return Ok(());
    }
    Err(AttributionError::setting(field, format!("must be positive and finite, is {damping}")))
}

/// A fitted preconditioner.
pub enum Curvature {
    /// The dense matrix of each layer.
    Fisher(Fisher),
    /// The Kronecker-factored matrix of each layer.
    Kronecker(Kronecker),
}

impl Curvature {
    /// Fits `preconditioner` to the rows of the index. `None` if it is [`Preconditioner::None`].
    pub fn fit(index: &IndexReader, preconditioner: Preconditioner) -> Result<Option<Self>> {
        preconditioner.validate()?;
        Ok(match preconditioner {
            Preconditioner::None => None,
            Preconditioner::Fisher { damping } => Some(Self::Fisher(Fisher::fit(index, damping)?)),
            Preconditioner::Kfac { damping } => Some(Self::Kronecker(Kronecker::fit(index, damping, false))),
            Preconditioner::Ekfac { damping } => Some(Self::Kronecker(Kronecker::fit(index, damping, true))),
        })
    }

    /// gᵢᵀ (F + λI)⁻¹ gᵢ over all layers, for every row i of the index. Sections of a row count by their weights.
    pub fn self_influence(&self) -> &[f64] {
        match self {
            Self::Fisher(fisher) => fisher.self_influence(),
            Self::Kronecker(kronecker) => kronecker.self_influence(),
        }
    }

    /// Replaces each layer of `query` (layers × D) by (F + λI)⁻¹ times it. `index` must be the one that was fitted.
    pub fn precondition(&self, index: &IndexReader, query: &mut [f64]) {
        match self {
            Self::Fisher(fisher) => fisher.precondition(index, query),
            Self::Kronecker(kronecker) => kronecker.precondition(query),
        }
    }

    /// Replaces each layer of a gradient g (layers × D) by R g, where RᵀR = (F + λI)⁻¹. Inner products of such vectors
    /// are influence. If the factors have no such root, returns `false` and leaves g as it is. This happens for a dense
    /// Fisher matrix of fewer rows than dimensions.
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
