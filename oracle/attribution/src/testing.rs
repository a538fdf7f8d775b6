//! A tiny model and examples for this crate's tests.

use crate::{
    gradient::GradientSource,
    index::{header::IndexHeader, reader::IndexReader, writer::IndexWriter},
    projection::{LayerShape, ProjectionSettings, Projections},
};
use candle_core::Device;
use openledger_lm::{Adapter, BaseModel, Example, LlamaConfig, LoraConfig, Tokenizer};
use std::{path::Path, sync::Arc};

/// A random two-layer Llama with a random adapter that is not zero anywhere.
pub(crate) fn model() -> (Arc<BaseModel>, Adapter) {
    let base = BaseModel::random(&LlamaConfig::tiny(), 1).unwrap();
    let fresh = Adapter::init(&base, &LoraConfig::default(), 2).unwrap();
    let flat: Vec<f32> = (0..fresh.layout().len()).map(|i| (i as f32 * 0.61).sin() * 0.1).collect();
    let adapter = fresh.with_flat(&flat).unwrap();
    (Arc::new(base), adapter)
}

/// The model's projected gradients.
pub(crate) fn source(settings: &ProjectionSettings) -> GradientSource {
    let (base, adapter) = model();
    GradientSource::new(base, adapter, settings).unwrap()
}

/// 8 × 8 with this many examples a pass.
pub(crate) fn settings(batch: usize) -> ProjectionSettings {
    ProjectionSettings { k_in: 8, k_out: 8, seed: 3, batch, ..Default::default() }
}

/// Examples of different lengths.
pub(crate) fn examples(n: usize) -> Vec<Example> {
    let tokenizer = Tokenizer::bytes();
    (0..n)
        .map(|i| {
            let text = format!("number {} is {}", i * 7, "odd ".repeat(1 + i % 4));
            Example::text(&tokenizer, [i as u8; 32], &text).unwrap()
        })
        .collect()
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
