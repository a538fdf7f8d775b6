//! A scorer that trains and scores with [`Logra`].

use super::suite::Scored;
use openledger_attribution::{
    AttributionError, Attributor, Logra, LograSettings, Query, Result,
    gradient::GradientSource,
    index::{reader::IndexReader, writer::build_index},
    precondition::{Fisher, Preconditioner},
    projection::ProjectionSettings,
};
use openledger_lm::{Adapter, BaseModel, Example, LlamaConfig, LoraConfig, TrainConfig, Trainer};
use serde::Serialize;
use std::{ops::ControlFlow, path::Path, sync::Arc};

/// A tiny model that is trained to tell the documents apart, and projected influence of its examples.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TinyLogra {
    /// Seed of weights, training and projection.
    pub seed: u64,
    /// Passes over the documents.
    pub epochs: usize,
    /// Peak learning rate.
    pub learning_rate: f64,
    /// Damping of the Fisher matrix, also for measuring self-influence.
    pub damping: f64,
}

impl Default for TinyLogra {
    fn default() -> Self {
        Self { seed: 0, epochs: 15, learning_rate: 5e-3, damping: 1.0 }
    }
}

impl TinyLogra {
    /// A scorer that trains and scores. It keeps the index in the folder `scratch`.
    pub fn scorer(self, scratch: &Path) -> Result<impl Fn(&[Example], &[Query]) -> Result<Scored>> {
        let base = Arc::new(BaseModel::random(&LlamaConfig::tiny(), self.seed)?);
        let train = TrainConfig {
            epochs: self.epochs,
            batch_size: 8,
            learning_rate: self.learning_rate,
            seed: self.seed,
            lora: LoraConfig { rank: 8, alpha: 16.0, ..Default::default() },
            ..Default::default()
        };
        let settings = LograSettings {
            projection: ProjectionSettings { seed: self.seed, ..Default::default() },
            preconditioner: Preconditioner::Fisher { damping: self.damping },
            unit_norm: false,
        };
        let path = scratch.join("index");
        Ok(move |examples: &[Example], queries: &[Query]| {
            let mut trainer = Trainer::new(base.clone(), train.clone(), examples.into())?;
            while !trainer.is_finished() {
                trainer.step()?;
            }
            let adapter = trainer.adapter().clone();
            let measured = Measured::new(&path, base.clone(), adapter, examples, &settings.projection)?;
            let (self_influence, rows) = (measured.self_influence(self.damping)?, measured.rows());
            let logra = Logra::new(measured.source, measured.index, settings.clone())?;
            let scores = queries.iter().map(|query| logra.score(query)).collect::<Result<_>>()?;
            Ok(Scored { scores, self_influence, rows })
        })
    }
}

/// Projected gradients of a trained model's examples.
pub(super) struct Measured {
    source: GradientSource,
    index: IndexReader,
}

impl Measured {
    /// Builds the index at `path`. Replaces the index of another run.
    pub(super) fn new(
        path: &Path,
        base: Arc<BaseModel>,
        adapter: Adapter,
        examples: &[Example],
        projection: &ProjectionSettings,
    ) -> Result<Self> {
        if path.exists() {
            std::fs::remove_file(path).map_err(AttributionError::io("delete", path))?;
        }
        let source = GradientSource::new(base, adapter, projection)?;
        let index = build_index(path, &source, examples, |_, _| ControlFlow::Continue(()))?;
        Ok(Self { source, index })
    }

    /// gᵢᵀ(F+λI)⁻¹gᵢ.
    pub(super) fn self_influence(&self, damping: f64) -> Result<Vec<f64>> {
        Ok(Fisher::fit(&self.index, damping)?.self_influence().to_vec())
    }

    /// The index's rows.
    pub(super) fn rows(&self) -> Vec<Vec<f32>> {
        (0..self.index.count()).map(|i| self.index.gradient(i)).collect()
    }
}
