//! The settings of the exact attribution that a job's config asks for, checked before the job is taken.

use anyhow::{Context, Result};
use openledger_attribution::MagicSettings;
use openledger_sdk::artifact::AuditSettings;

/// The exact attribution's settings. Fails if a value is out of range.
pub fn magic_settings(settings: &AuditSettings) -> Result<MagicSettings> {
    let settings = MagicSettings { first_step: settings.first_step, asymmetry: settings.asymmetry };
    settings.validate().context("the config's `audit`")?;
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_method_and_bad_values_are_refused() {
        assert_eq!(magic_settings(&AuditSettings::default()).unwrap(), MagicSettings::default());
        let bad = AuditSettings { first_step: 0.0, ..AuditSettings::default() };
        assert!(format!("{:#}", magic_settings(&bad).unwrap_err()).contains("first_step"));
    }
}
