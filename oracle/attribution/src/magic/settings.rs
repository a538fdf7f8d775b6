//! The settings that the scores depend on besides the run and the query.

use crate::error::{AttributionError, Result};
use serde::{Deserialize, Serialize};

/// How far from the run's parameters the displaced gradients are taken.
///
/// δ is the length of the displacement of all parameters together. It begins at `first_step`. After each training step
/// the asymmetry r = ‖g₊ + g₋ − 2g‖ / ‖g₊ − g₋‖ of the displaced gradients about the run's own gradient is measured.
/// Then δ is multiplied by `asymmetry`/r, but by no less than ½ and no more than 2. So δ is as long as it can be while
/// the gradient stays nearly linear. The longer it is, the less f32's rounding matters.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MagicSettings {
    /// δ of the last training step, at which the walk begins.
    pub first_step: f64,
    /// The asymmetry r that δ is steered towards.
    pub asymmetry: f64,
}

impl Default for MagicSettings {
    fn default() -> Self {
        Self { first_step: 0.01, asymmetry: 0.01 }
    }
}

/// Least and largest δ. Below the least, a difference of gradients is only f32's rounding. Above the largest, the
/// gradient is not linear.
const STEPS: (f64, f64) = (1e-4, 1.0);

impl MagicSettings {
    /// Fails if a value is out of range. The error names the field.
    pub fn validate(&self) -> Result<()> {
        let (low, high) = STEPS;
        if !(low..=high).contains(&self.first_step) {
            let reason = format!("must be between {low} and {high}, is {}", self.first_step);
            return Err(AttributionError::setting("first_step", reason));
        }
        if !(1e-5..=0.5).contains(&self.asymmetry) {
            let reason = format!("must be between 0.00001 and 0.5, is {}", self.asymmetry);
            return Err(AttributionError::setting("asymmetry", reason));
        }
        Ok(())
    }

    /// δ for the next step, after one with `delta` and asymmetry `found`.
    pub(crate) fn steer(&self, delta: f64, found: f64) -> f64 {
        // An exactly linear gradient has asymmetry 0. An exactly constant gradient has no asymmetry.
        let factor = if found.is_finite() { self.asymmetry / found.max(1e-12) } else { 1.0 };
        (delta * factor.clamp(0.5, 2.0)).clamp(STEPS.0, STEPS.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_step_follows_the_asymmetry_within_its_bounds() {
        let settings = MagicSettings::default();
        assert_eq!(settings.steer(0.01, 0.01), 0.01);
        assert_eq!(settings.steer(0.01, 0.1), 0.005);
        assert_eq!(settings.steer(0.01, 0.0), 0.02);
        assert_eq!(settings.steer(0.01, f64::NAN), 0.01);
        assert_eq!(settings.steer(1.0, 0.0), 1.0);
        assert_eq!(settings.steer(1e-4, 1.0), 1e-4);
    }

    #[test]
    fn bad_settings_name_their_field() {
        let field = |s: MagicSettings| match s.validate() {
            Err(AttributionError::Setting { field, .. }) => field,
            other => panic!("{other:?}"),
        };
        assert_eq!(field(MagicSettings { first_step: 0.0, ..Default::default() }), "first_step");
        assert_eq!(field(MagicSettings { first_step: f64::NAN, ..Default::default() }), "first_step");
        assert_eq!(field(MagicSettings { asymmetry: 1.0, ..Default::default() }), "asymmetry");
        assert!(MagicSettings::default().validate().is_ok());
        assert!(serde_json::from_str::<MagicSettings>(r#"{"kappa": 0.01}"#).is_err());
    }
}
