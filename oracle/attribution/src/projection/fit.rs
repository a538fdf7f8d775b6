//! Whether the layers of an adapter are wide enough for a projection, and how large the rows of its index are. Both are
//! known before anything is trained.

use super::{
    layer::{LayerShape, layer_dim, layers_of},
    settings::{ProjectionKind, ProjectionSettings},
};
use crate::{
    error::{AttributionError, Result},
    index::row,
};
use openledger_lm::AdapterLayout;

/// Fails if no index can have these settings, or if adapters of this layout have a layer that is narrower than the
/// projection.
pub fn check_fit(settings: &ProjectionSettings, adapter: &AdapterLayout) -> Result<()> {
    check_widths(settings, &layers_of(adapter))
}

/// Most bytes of a row of an index with these settings, for adapters of this layout whose log has at most `states` states
/// after the first step of each run.
pub fn most_row_bytes(settings: &ProjectionSettings, adapter: &AdapterLayout, states: usize) -> u64 {
    let rank = (settings.kind == ProjectionKind::Adapter).then_some(adapter.config().rank);
    let sections = settings.runs.saturating_mul(settings.states_of_a_query().min(states));
    row::bytes(sections.saturating_mul(adapter.spans().len()), layer_dim(settings, rank)) as u64
}

pub(super) fn check_widths(settings: &ProjectionSettings, layers: &[LayerShape]) -> Result<()> {
    settings.validate()?;
    for shape in layers {
        for (field, k, width) in
            [("projection.k_in", settings.k_in, shape.input), ("projection.k_out", settings.k_out, shape.output)]
        {
            if k > width {
                let reason = format!("is {k}, layer {} is only {width} wide; choose {width} or less", shape.name);
                return Err(AttributionError::setting(field, reason));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{estimator::Estimator, logra::LograSettings, projection::QueryStates, testing::Job};
    use std::ops::ControlFlow;

    #[test]
    fn the_size_of_a_row_is_known_before_the_index_is_built() {
        let (job, folder) = (Job::short(), tempfile::tempdir().unwrap());
        let layout = job.adapter.layout();
        for kind in [ProjectionKind::Adapter, ProjectionKind::Random] {
            for query_states in [QueryStates::End, QueryStates::All] {
                let projection =
                    ProjectionSettings { kind, k_in: 8, k_out: 4, states: 2, query_states, ..Default::default() };
                check_fit(&projection, layout).unwrap();
                let settings = LograSettings { projection: projection.clone(), ..Default::default() };
                let estimator =
                    Estimator::new(job.base.clone(), &job.config, job.examples.len(), &job.states, settings);
                let path = folder.path().join(format!("{kind:?} {query_states:?}"));
                let go_on = |_, _| ControlFlow::Continue(());
                let built = estimator.unwrap().build(&path, &job.examples, go_on).unwrap();
                let bytes = built.index().header().row_bytes() as u64;
                assert_eq!(most_row_bytes(&projection, layout, 9), bytes);
                assert!(most_row_bytes(&projection, layout, 1) <= bytes);
            }
        }
    }

    #[test]
    fn no_settings_make_the_size_overflow() {
        let huge = ProjectionSettings {
            k_in: usize::MAX,
            k_out: usize::MAX,
            states: usize::MAX,
            runs: usize::MAX,
            query_states: QueryStates::All,
            ..Default::default()
        };
        assert_eq!(most_row_bytes(&huge, Job::short().adapter.layout(), usize::MAX), u64::MAX);
        assert!(check_fit(&huge, Job::short().adapter.layout()).is_err());
    }
}
