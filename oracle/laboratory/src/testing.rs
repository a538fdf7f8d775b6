//! A tiny model and examples, for tests of code that needs some model. They are not for measuring.

use openledger_lm::{Adapter, BaseModel, Example, LlamaConfig, LoraConfig, Tokenizer};
use std::sync::Arc;

/// A random two-layer Llama with a random adapter that is not zero anywhere.
pub fn model() -> (Arc<BaseModel>, Adapter) {
    let base = BaseModel::random(&LlamaConfig::tiny(), 1).expect("the tiny model is valid");
    let fresh = Adapter::init(&base, &LoraConfig::default(), 2).expect("the adapter fits the model");
    let flat: Vec<f32> = (0..fresh.layout().len()).map(|i| (i as f32 * 0.61).sin() * 0.1).collect();
    let adapter = fresh.with_flat(&flat).expect("there is a value for each parameter");
    (Arc::new(base), adapter)
}

/// `n` examples of different lengths.
pub fn examples(n: usize) -> Vec<Example> {
    let tokenizer = Tokenizer::bytes();
    (0..n)
        .map(|i| {
            let text = format!("number {} is {}", i * 7, "odd ".repeat(1 + i % 4));
            Example::text(&tokenizer, [i as u8; 32], &text).expect("bytes are always tokens")
        })
        .collect()
}
