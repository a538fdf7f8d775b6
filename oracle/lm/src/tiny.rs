//! The shape of a Llama that is small enough for unit tests. It needs no file.

use crate::{config::LlamaConfig, tokenizer::BYTE_VOCAB};

impl LlamaConfig {
    /// Two layers of width 32 over the byte-level vocabulary, grouped-query attention, 128 positions.
    pub fn tiny() -> Self {
        Self {
            vocab: BYTE_VOCAB,
            hidden: 32,
            layers: 2,
            heads: 4,
            kv_heads: 2,
            ffn: 64,
            rope_theta: 10_000.0,
            eps: 1e-5,
            max_len: 128,
            tied: true,
        }
    }
}
