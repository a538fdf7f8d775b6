//! The settings of a sketch.

use crate::error::{AttributionError, Result};
use serde::{Deserialize, Serialize};

/// What a sketch depends on besides the index and the preconditioner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SketchSettings {
    /// Most bits of a row, a multiple of 64. If a row has fewer values, the next power of two of them is enough.
    pub bits: usize,
    /// Seed of the rotation.
    pub seed: u64,
}

impl Default for SketchSettings {
    /// 4,096 bits, which make 516 bytes for each row.
    fn default() -> Self {
        Self { bits: 4096, seed: 0 }
    }
}

impl SketchSettings {
    /// Fails if a value is out of range. The error names the field.
    pub fn validate(&self) -> Result<()> {
        if !(64..=1 << 20).contains(&self.bits) || !self.bits.is_multiple_of(64) {
            let reason = format!("must be a multiple of 64 between 64 and 1048576, is {}", self.bits);
            return Err(AttributionError::setting("sketch.bits", reason));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_out_of_range_are_refused() {
        for bits in [0, 32, 100, 2 << 20] {
            let error = SketchSettings { bits, seed: 0 }.validate().unwrap_err();
            assert!(matches!(error, AttributionError::Setting { field: "sketch.bits", .. }));
        }
    }
}
