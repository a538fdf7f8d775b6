//! The linear layers of a Llama: their names, their order and their shapes. Readers of model files, the base model and
//! adapters all use these names.

use crate::config::LlamaConfig;
use serde::{Deserialize, Serialize};

/// A linear layer inside a transformer block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// Query projection.
    Q,
    /// Key projection.
    K,
    /// Value projection.
    V,
    /// Attention output projection.
    O,
    /// Feed-forward gate.
    Gate,
    /// Feed-forward up projection.
    Up,
    /// Feed-forward down projection.
    Down,
}

impl Target {
    /// Every linear layer of a block, in the order of their slots.
    pub const ALL: [Target; 7] = [Target::Q, Target::K, Target::V, Target::O, Target::Gate, Target::Up, Target::Down];

    /// Module path inside a block, as on the Hugging Face hub.
    pub fn module(self) -> &'static str {
        match self {
            Target::Q => "self_attn.q_proj",
            Target::K => "self_attn.k_proj",
            Target::V => "self_attn.v_proj",
            Target::O => "self_attn.o_proj",
            Target::Gate => "mlp.gate_proj",
            Target::Up => "mlp.up_proj",
            Target::Down => "mlp.down_proj",
        }
    }

    /// (out, in) of this layer's weight.
    pub fn shape(self, config: &LlamaConfig) -> (usize, usize) {
        let kv = config.kv_heads * config.head_dim();
        match self {
            Target::Q | Target::O => (config.hidden, config.hidden),
            Target::K | Target::V => (kv, config.hidden),
            Target::Gate | Target::Up => (config.ffn, config.hidden),
            Target::Down => (config.hidden, config.ffn),
        }
    }
}

/// A linear layer of the whole model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot {
    /// Block, from 0.
    pub layer: usize,
    /// Layer within the block.
    pub target: Target,
}

impl Slot {
    /// Position among all linear layers of the model. A block has 7.
    pub fn index(self) -> usize {
        self.layer * Target::ALL.len() + self.target as usize
    }

    /// Module path, for example `model.layers.3.self_attn.q_proj`.
    pub fn name(self) -> String {
        format!("model.layers.{}.{}", self.layer, self.target.module())
    }
}
