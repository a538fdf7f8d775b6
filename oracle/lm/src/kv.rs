//! Keys and values of one sequence.

use crate::{
    config::LlamaConfig,
    error::Result,
    infer::Attend,
    ops::{AttentionShape, attention, causal_mask},
};
use candle_core::Tensor;
use candle_nn::kv_cache::KvCache as LayerCache;

/// Number of positions reserved at once. The full cache grows by this number.
const PAGE: usize = 256;

/// Stored keys and values of a single sequence. New rows continue the sequence in order.
pub struct KvCache {
    layers: Vec<LayerCache>,
    shape: AttentionShape,
    kv_heads: usize,
}

impl KvCache {
    /// An empty cache for a model of this shape.
    pub fn new(config: &LlamaConfig) -> Self {
        Self {
            layers: (0..config.layers).map(|_| LayerCache::new(1, PAGE.min(config.max_len))).collect(),
            shape: AttentionShape { group: config.heads / config.kv_heads, head_dim: config.head_dim() },
            kv_heads: config.kv_heads,
        }
    }

    /// Number of positions stored so far.
    pub fn position(&self) -> usize {
        self.layers[0].current_seq_len()
    }
}

impl Attend for KvCache {
    fn attend(&mut self, layer: usize, q: &Tensor, k: &Tensor, v: &Tensor) -> Result<Tensor> {
        let (n, heads, head_dim) = q.dims3()?;
        let by_head = |x: &Tensor| x.transpose(0, 1)?.contiguous();
        let (k, v) = self.layers[layer].append(&by_head(k)?, &by_head(v)?)?;
        let q = by_head(q)?.reshape((1, self.kv_heads, self.shape.group * n, head_dim))?;
        // A single new position may attend to all positions, so it needs no mask.
        let mask = if n > 1 { Some(causal_mask(n, k.dim(1)?, q.device())?) } else { None };
        let (y, _) = attention(&q, &k.unsqueeze(0)?, &v.unsqueeze(0)?, mask.as_ref(), self.shape)?;
        Ok(y.reshape((heads, n, head_dim))?.transpose(0, 1)?.reshape((n, heads * head_dim))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        batch::{Batch, Example},
        infer::infer,
        llama::BaseModel,
        lora::{Adapter, LoraConfig},
        train_pass::hidden_states,
    };

    #[test]
    fn cached_inference_equals_the_full_forward_pass() -> Result<()> {
        let base = BaseModel::random(&LlamaConfig { max_len: 300, ..LlamaConfig::tiny() }, 1)?;
        let fresh = Adapter::init(&base, &LoraConfig::default(), 2)?;
        let flat: Vec<f32> = fresh.to_flat()?.iter().enumerate().map(|(i, v)| v + 0.05 * (i as f32).sin()).collect();
        let adapter = fresh.with_flat(&flat)?;
        let tokens: Vec<u32> = (0..262).map(|i| i * 17 % 256).collect();
        let example = Example { id: [0; 32], tokens: tokens.clone(), loss_from: 1 };
        let full = hidden_states(&base, Some(&adapter), &Batch::new(&base, &[&example])?)?;
        let mut cache = KvCache::new(base.config());
        let mut rows = Vec::new();
        // A prompt, then a piece across the end of the first page, then single positions.
        for (from, to) in [(0, 250), (250, 259), (259, 260), (260, 261), (261, 262)] {
            assert_eq!(cache.position(), from);
            let positions: Vec<u32> = (from as u32..to as u32).collect();
            rows.push(infer(&base, &adapter, &mut cache, &tokens[from..to], &positions)?);
        }
        let difference = (Tensor::cat(&rows, 0)? - full)?.abs()?.max_all()?.to_scalar::<f32>()?;
        assert!(difference < 1e-5, "{difference}");
        Ok(())
    }
}
