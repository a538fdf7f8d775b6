//! The base model of the tiny tasks. It has two layers of width 64 and is pretrained here on neutral text. It is so
//! small that hundreds of fine-tuning runs take minutes.

use super::{export, pretrain::pretrained, transformations};
use openledger_attribution::Result;
use openledger_lm::{BaseModel, Device, LlamaConfig, LoraConfig, Target, Tokenizer, TrainConfig};
use std::{path::Path, sync::Arc};

/// Number of passes over the neutral text after which the model knows words and formats.
pub const EPOCHS: usize = 4;

/// The model's shape.
pub fn shape() -> LlamaConfig {
    LlamaConfig {
        hidden: 64,
        layers: 2,
        heads: 4,
        kv_heads: 4,
        ffn: 160,
        rope_theta: 100.0,
        max_len: 96,
        tied: false,
        ..LlamaConfig::tiny()
    }
}

/// Trains the model for `epochs` passes. [`EPOCHS`] passes with [`Tokenizer::bytes`] take about a minute. `progress`
/// gets each step's number and loss.
pub fn base_model(tokenizer: &Tokenizer, epochs: usize, progress: impl FnMut(u64, f32)) -> Result<BaseModel> {
    let config = TrainConfig {
        epochs,
        batch_size: 32,
        max_len: 64,
        learning_rate: 4e-3,
        warmup_steps: 50,
        beta1: 0.9,
        beta2: 0.99,
        lora: LoraConfig { rank: 64, alpha: 64.0, targets: Target::ALL.to_vec() },
        ..Default::default()
    };
    let neutral = transformations::examples(tokenizer, 4000, 5, &transformations::NEUTRAL, true)?;
    pretrained(Arc::new(BaseModel::random(&shape(), 1)?), &config, neutral.into(), progress)
}

/// The model of [`base_model`], kept in `file`. The first call makes it and writes the file; the others read it.
pub fn stored_base_model(
    file: &Path,
    tokenizer: &Tokenizer,
    epochs: usize,
    progress: impl FnMut(u64, f32),
) -> Result<BaseModel> {
    if !file.exists() {
        let base = base_model(tokenizer, epochs, progress)?;
        export::write_weights(file, &base)?;
    }
    let weights = candle_core::safetensors::load(file, &Device::Cpu).map_err(openledger_lm::LmError::from)?;
    Ok(BaseModel::from_tensors(&shape(), weights, &Device::Cpu)?)
}
