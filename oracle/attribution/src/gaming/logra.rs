//! Training and [`Logra`] as a scorer.

use super::suite::Scored;
use crate::{
    attributor::{Attributor, Query},
    error::{AttributionError, Result},
    gradient::GradientSource,
    index::writer::build_index,
    logra::{Logra, LograSettings},
    pay::clusters::gradient::index_row,
    precondition::{Fisher, Preconditioner},
};
use openledger_lm::{BaseModel, Example, TrainConfig, Trainer};
use std::{ops::ControlFlow, path::Path, sync::Arc};

/// Trains an adapter of `base` and scores by projected influence; the index is written to `scratch`. The settings must
/// have a Fisher preconditioner, whose matrix also measures self-influence.
pub fn logra_scorer(
    base: Arc<BaseModel>,
    train: TrainConfig,
    settings: LograSettings,
    scratch: &Path,
) -> impl Fn(&[Example], &Query) -> Result<Scored> {
    move |examples, query| {
        let Preconditioner::Fisher { damping } = settings.preconditioner else {
            return Err(AttributionError::setting("preconditioner", "must be `fisher` for self-influence"));
        };
        let mut trainer = Trainer::new(base.clone(), train.clone(), examples.into())?;
        while !trainer.is_finished() {
            trainer.step()?;
        }
        let source = GradientSource::new(base.clone(), trainer.adapter().clone(), &settings.projection)?;
        let path = scratch.join("index");
        let index = build_index(&path, &source, examples, |_, _| ControlFlow::Continue(()))?;
        let self_influence = Fisher::fit(&index, damping)?.self_influence().to_vec();
        let rows = (0..index.count()).map(|i| index_row(&index, i)).collect();
        let logra = Logra::new(source, index, settings.clone())?;
        Ok(Scored { scores: logra.score(query)?, self_influence, rows })
    }
}
