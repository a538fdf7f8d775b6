//! Makes attribution settings of the names and numbers in a job's config.

use anyhow::{Context, Result, bail};
use openledger_attribution::{LograSettings, Preconditioner, ProjectionKind, ProjectionSettings};
use openledger_sdk::artifact::IndexSettings;

/// LoGra's settings for a job. The job's seed draws the projections. Fails if a name is unknown or a value is out of
/// range.
pub fn index_settings(settings: &IndexSettings, seed: u64) -> Result<LograSettings> {
    let kind = match settings.projection.as_str() {
        "adapter" => ProjectionKind::Adapter,
        "random" => ProjectionKind::Random,
        other => bail!("the config's `index.projection` is {other:?}; use adapter or random"),
    };
    let damping = settings.damping;
    let preconditioner = match settings.preconditioner.as_str() {
        "none" => Preconditioner::None,
        "fisher" => Preconditioner::Fisher { damping },
        "kfac" => Preconditioner::Kfac { damping },
        "ekfac" => Preconditioner::Ekfac { damping },
        other => bail!("the config's `index.preconditioner` is {other:?}; use none, fisher, kfac or ekfac"),
    };
    preconditioner.validate().context("the config's `index`")?;
    let (k, states) = (settings.k, settings.states);
    let projection = ProjectionSettings { kind, k_in: k, k_out: k, seed, states, ..Default::default() };
    Ok(LograSettings { projection, preconditioner, unit_norm: settings.unit_norm })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_method_and_names_that_there_are_not_are_refused() {
        let settings = IndexSettings::default();
        let expected = LograSettings::default();
        let projection = ProjectionSettings { seed: 7, ..expected.projection.clone() };
        assert_eq!(index_settings(&settings, 7).unwrap(), LograSettings { projection, ..expected });
        let refused = |settings: IndexSettings| format!("{:#}", index_settings(&settings, 7).unwrap_err());
        assert!(refused(IndexSettings { projection: "pca".into(), ..settings.clone() }).contains("adapter or random"));
        assert!(refused(IndexSettings { preconditioner: "adam".into(), ..settings.clone() }).contains("ekfac"));
        assert!(refused(IndexSettings { damping: 0.0, ..settings }).contains("damping"));
    }
}
