//! A tiny model and examples for this crate's tests.

use crate::{gradient::GradientSource, projection::ProjectionSettings};
use openledger_lm::{Adapter, BaseModel, Example, LlamaConfig, LoraConfig, Tokenizer};
use std::sync::Arc;

/// A random two-layer Llama with a random adapter that is not zero anywhere.
pub(crate) fn model() -> (BaseModel, Adapter) {
    let base = BaseModel::random(&LlamaConfig::tiny(), 1).unwrap();
    let fresh = Adapter::init(&base, &LoraConfig::default(), 2).unwrap();
    let flat: Vec<f32> = (0..fresh.layout().len()).map(|i| (i as f32 * 0.61).sin() * 0.1).collect();
    let adapter = fresh.with_flat(&flat).unwrap();
    (base, adapter)
}

/// That model with projections.
pub(crate) fn source(settings: &ProjectionSettings) -> GradientSource {
    let (base, adapter) = model();
    GradientSource::new(Arc::new(base), adapter, settings).unwrap()
}

/// 8 × 8 with this many examples a pass.
pub(crate) fn settings(batch: usize) -> ProjectionSettings {
    ProjectionSettings { k_in: 8, k_out: 8, seed: 3, batch }
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
