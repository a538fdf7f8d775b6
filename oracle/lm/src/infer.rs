//! The forward pass for generating text. Each row may belong to another sequence, be at another position and use
//! another adapter. So one conversation and a batch of many take the same path.

use crate::{
    error::{LmError, Result},
    layer::{Slot, Target},
    llama::BaseModel,
    lora::Adapter,
    ops::{Rope, rms_norm},
};
use candle_core::Tensor;

/// Adds low-rank updates to a layer's output. Implement it to serve rows with different adapters.
pub trait LowRank {
    /// Adds the update for x to y and returns the sum. x is (n, in), y is (n, out), and their rows correspond.
    fn add(&self, slot: Slot, x: &Tensor, y: Tensor) -> Result<Tensor>;
}

/// Adds nothing: the base model alone.
pub struct NoAdapter;

impl LowRank for NoAdapter {
    fn add(&self, _slot: Slot, _x: &Tensor, y: Tensor) -> Result<Tensor> {
        Ok(y)
    }
}

impl LowRank for Adapter {
    fn add(&self, slot: Slot, x: &Tensor, y: Tensor) -> Result<Tensor> {
        match self.pair(slot) {
            None => Ok(y),
            Some(pair) => Ok((y + (x.matmul(&pair.a.t()?)? * pair.scale)?.matmul(&pair.b.t()?)?)?),
        }
    }
}

impl<T: LowRank> LowRank for Option<&T> {
    fn add(&self, slot: Slot, x: &Tensor, y: Tensor) -> Result<Tensor> {
        match self {
            None => Ok(y),
            Some(inner) => inner.add(slot, x, y),
        }
    }
}

/// Attention over stored keys and values. Implement it to hold many sequences (paged, for example).
pub trait Attend {
    /// Stores the rows' keys and values (n, kv_heads, head_dim) and attends with the queries (n, heads, head_dim). Each
    /// row attends to the past of its own sequence and to itself. Queries and keys are already rotated. Returns (n,
    /// hidden).
    fn attend(&mut self, layer: usize, q: &Tensor, k: &Tensor, v: &Tensor) -> Result<Tensor>;
}

/// Final hidden states (n, hidden) of n rows. Row i is `tokens[i]` at position `positions[i]` of a sequence.
/// `attention` knows which sequence that is.
pub fn infer(
    base: &BaseModel,
    low_rank: &dyn LowRank,
    attention: &mut dyn Attend,
    tokens: &[u32],
    positions: &[u32],
) -> Result<Tensor> {
    if tokens.is_empty() {
        return Err(LmError::Empty("list of tokens"));
    }
    assert_eq!(tokens.len(), positions.len(), "one position per token");
    base.check_tokens(tokens)?;
    let config = base.config();
    let (n, eps, head_dim) = (tokens.len(), config.eps, config.head_dim());
    let rotation = base.rope().rows(positions)?;
    let mut x = base.embedding().index_select(&Tensor::new(tokens, base.device())?, 0)?;
    for (layer, block) in base.blocks().iter().enumerate() {
        let linear = |target: Target, x: &Tensor| -> Result<Tensor> {
            low_rank.add(Slot { layer, target }, x, x.matmul(&block.linear(target).t()?)?)
        };
        let heads = |x: Tensor, heads: usize| x.reshape((n, heads, head_dim));
        let h = rms_norm(&x, &block.attention_norm, eps)?;
        let q = Rope::rotate_rows(&heads(linear(Target::Q, &h)?, config.heads)?, &rotation)?;
        let k = Rope::rotate_rows(&heads(linear(Target::K, &h)?, config.kv_heads)?, &rotation)?;
        let v = heads(linear(Target::V, &h)?, config.kv_heads)?;
        x = (x + linear(Target::O, &attention.attend(layer, &q, &k, &v)?)?)?;
        let h = rms_norm(&x, &block.ffn_norm, eps)?;
        let activated = (linear(Target::Gate, &h)?.silu()? * linear(Target::Up, &h)?)?;
        x = (x + linear(Target::Down, &activated)?)?;
    }
    rms_norm(&x, base.final_norm(), eps)
}
