//! A tiny model, its examples and its index, for this crate's tests.

use crate::{
    gradient::GradientSource,
    index::{header::IndexHeader, reader::IndexReader, writer::IndexWriter},
    projection::{LayerShape, ProjectionSettings, Projections},
};
use candle_core::Device;
use openledger_lm::{Adapter, BaseModel, Example, TrainConfig, TrainState, Trainer};
use std::{path::Path, sync::Arc};

pub(crate) use openledger_laboratory::testing::{examples, model};

/// The source of the model's projected gradients.
pub(crate) fn source(settings: &ProjectionSettings) -> GradientSource {
    let (base, adapter) = model();
    GradientSource::new(base, adapter, settings).unwrap()
}

/// Projections to 8 × 8, with this many examples in a pass.
pub(crate) fn settings(batch: usize) -> ProjectionSettings {
    ProjectionSettings { k_in: 8, k_out: 8, seed: 3, batch, ..Default::default() }
}

/// A finished training run.
pub(crate) struct Job {
    pub(crate) base: Arc<BaseModel>,
    pub(crate) config: TrainConfig,
    pub(crate) examples: Vec<Example>,
    /// The states after half of the steps and after the last.
    pub(crate) states: Vec<TrainState>,
    pub(crate) adapter: Adapter,
}

impl Job {
    /// Trains the tiny model's adapter, from `start` if there is one.
    pub(crate) fn train(config: TrainConfig, examples: Vec<Example>, start: Option<&Adapter>) -> Self {
        let (base, _) = model();
        let mut trainer = Trainer::new(base.clone(), config.clone(), examples.clone().into()).unwrap();
        if let Some(start) = start {
            trainer = trainer.with_start(start).unwrap();
        }
        let mut states = Vec::new();
        let half = trainer.plan().total_steps() / 2;
        while !trainer.is_finished() {
            trainer.step().unwrap();
            if trainer.state().step == half || trainer.is_finished() {
                states.push(trainer.state().clone());
            }
        }
        Self { base, config, examples, states, adapter: trainer.adapter().clone() }
    }

    /// Six steps on four examples.
    pub(crate) fn short() -> Self {
        let config =
            TrainConfig { epochs: 3, batch_size: 2, warmup_steps: 2, learning_rate: 0.01, ..Default::default() };
        Self::train(config, examples(4), None)
    }

    /// The source of rows that are made of these states.
    pub(crate) fn source_of(
        &self,
        states: &[TrainState],
        settings: &ProjectionSettings,
    ) -> crate::Result<GradientSource> {
        GradientSource::of_run(self.base.clone(), &self.config, self.examples.len(), states, settings)
    }
}

/// An index of `n` rows of two layers whose magnitudes differ by a million.
pub(crate) fn synthetic_index(dir: &Path, n: usize, k_in: usize, k_out: usize) -> IndexReader {
    let settings = ProjectionSettings { k_in, k_out, ..Default::default() };
    let layers = ["a", "b"].map(|name| LayerShape { name: name.into(), input: k_in, output: k_out });
    let projections = Projections::new(&settings, &layers, &Device::Cpu).unwrap();
    let header = IndexHeader::unfinished([1; 32], [2; 32], [3; 32], &projections, n as u64);
    let path = dir.join("index");
    let mut writer = IndexWriter::create_or_resume(&path, header, &vec![[0; 32]; n]).unwrap();
    let dim = k_in * k_out;
    for i in 0..n {
        let row = |j: usize| ((i * 31 + j * 7) as f32 * 0.37).sin() * if j < dim { 1.0 } else { 1e-6 };
        writer.append(&[(0..2 * dim).map(row).collect()]).unwrap();
    }
    writer.finish().unwrap();
    IndexReader::open(&path).unwrap()
}
