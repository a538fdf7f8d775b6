//! A tiny model, its examples and its index, for this crate's tests.

use crate::{
    gradient::GradientSource,
    index::{header::IndexHeader, reader::IndexReader, writer::IndexWriter},
    projection::{LayerShape, ProjectionSettings, Projections},
};
use candle_core::Device;
use std::path::Path;

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
