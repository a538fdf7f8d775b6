//! The shape of a Llama-family model and where its weights come from.

use crate::error::{LmError, Result};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Hyper-parameters of a Llama-family transformer (RMSNorm before each sub-layer, rotary positions in the
/// half-rotation layout of Hugging Face, grouped-query attention, SwiGLU).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LlamaConfig {
    /// Number of token ids.
    pub vocab: usize,
    /// Width of the residual stream.
    pub hidden: usize,
    /// Number of transformer blocks.
    pub layers: usize,
    /// Number of query heads.
    pub heads: usize,
    /// Number of key/value heads. It divides `heads`.
    pub kv_heads: usize,
    /// Width of the feed-forward layer.
    pub ffn: usize,
    /// Base of the rotary frequencies.
    pub rope_theta: f32,
    /// Added to the mean square in RMSNorm.
    pub eps: f32,
    /// Longest sequence, in tokens.
    pub max_len: usize,
    /// Whether the output layer shares the embedding's weights.
    pub tied: bool,
}

impl LlamaConfig {
    /// Width of one attention head.
    pub fn head_dim(&self) -> usize {
        self.hidden / self.heads
    }

    /// Fails if no Llama has this shape. The error names the field.
    pub fn validate(&self) -> Result<()> {
        for (field, value) in [
            ("vocab", self.vocab),
            ("hidden", self.hidden),
            ("layers", self.layers),
            ("heads", self.heads),
            ("kv_heads", self.kv_heads),
            ("ffn", self.ffn),
            ("max_len", self.max_len),
        ] {
            if value == 0 {
                return Err(LmError::config(field, "must be at least 1"));
            }
        }
        if !self.hidden.is_multiple_of(self.heads) || !self.head_dim().is_multiple_of(2) {
            return Err(LmError::config(
                "heads",
                format!("hidden ({}) must be an even multiple of heads ({})", self.hidden, self.heads),
            ));
        }
        if !self.heads.is_multiple_of(self.kv_heads) {
            return Err(LmError::config(
                "kv_heads",
                format!("must divide heads ({}), is {}", self.heads, self.kv_heads),
            ));
        }
        if !(self.eps > 0.0 && self.eps.is_finite()) {
            return Err(LmError::config("eps", format!("must be positive, is {}", self.eps)));
        }
        if !(self.rope_theta > 1.0 && self.rope_theta.is_finite()) {
            return Err(LmError::config("rope_theta", format!("must exceed 1, is {}", self.rope_theta)));
        }
        Ok(())
    }
}

/// Where a base model comes from. The hash of the loaded model identifies it everywhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ModelSource {
    /// A GGUF file. Its weights are dequantised to f32.
    Gguf {
        /// The file.
        path: PathBuf,
        /// Expected SHA-256, hex. It is checked if it is given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sha256: Option<String>,
    },
    /// Random weights with the byte-level tokenizer, for tests. It needs no file.
    Random {
        /// The shape.
        config: LlamaConfig,
        /// Seed of the weights.
        seed: u64,
    },
}
