//! How the losses of an example's target tokens become the example's loss.

use crate::error::{LmError, Result};
use serde::{Deserialize, Serialize};

/// The loss ℓᵢ of an example, from the negative log-likelihoods of its target tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum LossReduction {
    /// Their mean. Every example counts the same, however long it is.
    #[default]
    Mean,
    /// Their sum, divided by a fixed number. Every token counts the same. So a text that is split into two examples, or
    /// merged with another, teaches what it taught before.
    Sum {
        /// Number that every sum is divided by, at least 1. The usual number of an example's target tokens keeps
        /// gradients at the size that they have with the mean.
        denominator: u32,
    },
}

impl LossReduction {
    /// Number that the sum over an example's target tokens is divided by.
    pub fn divisor(self, targets: usize) -> f64 {
        match self {
            Self::Mean => targets as f64,
            Self::Sum { denominator } => f64::from(denominator),
        }
    }

    /// Whether this is the mean, which is left out of the JSON.
    pub fn is_mean(&self) -> bool {
        *self == Self::Mean
    }

    /// Fails if the denominator is 0.
    pub fn validate(self) -> Result<()> {
        match self {
            Self::Sum { denominator: 0 } => Err(LmError::config("loss", "the denominator must be at least 1, is 0")),
            _ => Ok(()),
        }
    }
}
