//! The attribution settings that a job's config asks for.

use openledger_attribution::{LograSettings, Preconditioner, ProjectionSettings};
use openledger_sdk::artifact::IndexSettings;

/// LoGra's settings for a job: its projections are drawn from the job's seed.
pub fn index_settings(settings: &IndexSettings, seed: u64) -> LograSettings {
    LograSettings {
        projection: ProjectionSettings { k_in: settings.k, k_out: settings.k, seed, ..Default::default() },
        preconditioner: match settings.damping {
            0.0 => Preconditioner::None,
            damping => Preconditioner::Fisher { damping },
        },
        unit_norm: settings.unit_norm,
    }
}
