//! One forward and backward pass over a batch. It gives the examples' losses. At every adapted layer it gives the
//! layer's input and the gradient with respect to the layer's output.

use crate::{
    batch::Batch,
    error::{LmError, Result},
    layer::{Slot, Target},
    llama::{BaseModel, Block},
    lora::{Adapter, LoraPair},
    loss,
    ops::{
        AttentionShape, attention, attention_backward, causal_mask, linear, linear_backward, rms_norm,
        rms_norm_backward, swiglu, swiglu_backward,
    },
};
use candle_core::Tensor;

/// The tensors of the backward pass at one adapted layer. Rows are positions. Padded positions have a zero `dy`.
#[derive(Clone, Debug)]
pub struct Capture {
    /// The layer.
    pub slot: Slot,
    /// The layer's input, (b, t, in).
    pub x: Tensor,
    /// Gradient of Σᵢ wᵢ·ℓᵢ with respect to the layer's output, (b, t, out). Example i's rows are those of wᵢ·∇ℓᵢ,
    /// *not* divided by the batch size.
    pub dy: Tensor,
    /// x Aᵀ, (b, t, r).
    pub(crate) xa: Tensor,
    /// dy B, (b, t, r).
    pub(crate) dyb: Tensor,
}

impl Capture {
    /// The layer's module path, for example `model.layers.3.self_attn.q_proj`.
    pub fn name(&self) -> String {
        self.slot.name()
    }
}

/// Result of [`forward_backward`].
#[derive(Clone, Debug)]
pub struct StepOutput {
    /// ℓᵢ of each example by the batch's reduction, unweighted.
    pub per_example_loss: Vec<f32>,
    /// The captures of the adapted layers, in slot order.
    pub captures: Vec<Capture>,
}

/// Losses of a batch, and the captures that give every LoRA gradient. The objective is Σᵢ wᵢ·ℓᵢ over the examples of
/// the batch. ℓᵢ is the *mean* over example i's target tokens, unless the batch has another reduction. Divide by the batch size for the training objective.
pub fn forward_backward(base: &BaseModel, adapter: &Adapter, batch: &Batch) -> Result<StepOutput> {
    let pass = Pass::new(base, Some(adapter), batch)?;
    let mut x = pass.embed(batch)?;
    let mut tapes = Vec::with_capacity(base.blocks().len());
    for layer in 0..base.blocks().len() {
        let (next, tape) = pass.block(layer, x)?;
        x = next;
        tapes.push(tape);
    }
    let hidden = pass.final_norm(&x)?;
    let (per_example_loss, dhidden) = loss::losses_and_gradient(base, &hidden, batch)?;
    drop(hidden);

    let mut captures = Vec::with_capacity(adapter.layout().spans().len());
    let mut dx = rms_norm_backward(&x, base.final_norm(), base.config().eps, &dhidden)?;
    let first = adapter.layout().spans()[0].slot.layer;
    // No gradient is needed below the first adapted layer.
    for layer in (first..tapes.len()).rev() {
        // The tape is taken out, so that a block's activations are freed as soon as they are used.
        let tape = tapes.pop().expect("one tape per block");
        dx = pass.block_backward(layer, &tape, dx, &mut captures)?;
    }
    captures.sort_by_key(|c| c.slot);
    Ok(StepOutput { per_example_loss, captures })
}

/// ℓᵢ of each example, by a forward pass only.
pub fn forward_losses(base: &BaseModel, adapter: Option<&Adapter>, batch: &Batch) -> Result<Vec<f32>> {
    loss::losses(base, &hidden_states(base, adapter, batch)?, batch)
}

/// Logits (b·t, vocab) at every position, by a forward pass only.
pub fn forward_logits(base: &BaseModel, adapter: Option<&Adapter>, batch: &Batch) -> Result<Tensor> {
    base.logits(&hidden_states(base, adapter, batch)?)
}

/// Final hidden states (b·t, hidden), after the last norm.
pub fn hidden_states(base: &BaseModel, adapter: Option<&Adapter>, batch: &Batch) -> Result<Tensor> {
    let pass = Pass::new(base, adapter, batch)?;
    let mut x = pass.embed(batch)?;
    for layer in 0..base.blocks().len() {
        x = pass.block(layer, x)?.0;
    }
    pass.final_norm(&x)
}

/// Activations of a block that its backward pass needs. They are (b·t, width) unless a field says otherwise.
struct Tape {
    /// Residual stream before attention.
    x: Tensor,
    /// Normalised input of q, k and v.
    attention_in: Tensor,
    /// Rotated queries (b, kv, group·t, hd), rotated keys and values (b, kv, t, hd).
    qkv: [Tensor; 3],
    /// Attention output (b, kv, group·t, hd) and probabilities.
    attended: (Tensor, Tensor),
    /// Attention output, heads merged.
    merged: Tensor,
    /// Residual stream before the feed-forward layer.
    middle: Tensor,
    /// Normalised input of gate and up.
    ffn_in: Tensor,
    gate: Tensor,
    up: Tensor,
    /// Input of down.
    activated: Tensor,
    /// x Aᵀ of each adapted layer.
    xa: [Option<Tensor>; 7],
}

/// Everything that is the same for all blocks.
struct Pass<'a> {
    base: &'a BaseModel,
    adapter: Option<&'a Adapter>,
    mask: Tensor,
    shape: AttentionShape,
    b: usize,
    t: usize,
}

impl<'a> Pass<'a> {
    fn new(base: &'a BaseModel, adapter: Option<&'a Adapter>, batch: &Batch) -> Result<Self> {
        if let Some(adapter) = adapter {
            adapter.check_base(base)?;
        }
        let (b, t) = batch.tokens.dims2()?;
        let config = base.config();
        if t > config.max_len {
            return Err(LmError::TooLong { what: "the batch".into(), length: t, limit: config.max_len });
        }
        let shape = AttentionShape { group: config.heads / config.kv_heads, head_dim: config.head_dim() };
        Ok(Self { base, adapter, mask: causal_mask(t, t, base.device())?, shape, b, t })
    }

    fn embed(&self, batch: &Batch) -> Result<Tensor> {
        Ok(self.base.embedding().index_select(&batch.tokens.flatten_all()?, 0)?)
    }

    fn final_norm(&self, x: &Tensor) -> Result<Tensor> {
        rms_norm(x, self.base.final_norm(), self.base.config().eps)
    }

    fn weights(&self, layer: usize, target: Target) -> (&'a Tensor, Option<&'a LoraPair>) {
        let lora = self.adapter.and_then(|a| a.pair(Slot { layer, target }));
        (self.base.blocks()[layer].linear(target), lora)
    }

    /// (b·t, heads·hd) → (b, heads, t, hd).
    fn split_heads(&self, x: &Tensor) -> Result<Tensor> {
        Ok(x.reshape((self.b, self.t, (), self.shape.head_dim))?.transpose(1, 2)?.contiguous()?)
    }

    /// (b, heads, t, hd) → (b·t, heads·hd).
    fn merge_heads(&self, x: &Tensor) -> Result<Tensor> {
        Ok(x.transpose(1, 2)?.reshape((self.b * self.t, ()))?)
    }

    /// (b, heads, t, hd) → (b, kv, group·t, hd). The memory stays the same.
    fn group_heads(&self, x: &Tensor) -> Result<Tensor> {
        Ok(x.reshape((self.b, self.base.config().kv_heads, self.shape.group * self.t, self.shape.head_dim))?)
    }

    fn ungroup_heads(&self, x: &Tensor) -> Result<Tensor> {
        Ok(x.reshape((self.b, self.base.config().heads, self.t, self.shape.head_dim))?)
    }

    fn block(&self, layer: usize, x: Tensor) -> Result<(Tensor, Tape)> {
        let block: &Block = &self.base.blocks()[layer];
        let (eps, rope) = (self.base.config().eps, self.base.rope());
        let mut xa: [Option<Tensor>; 7] = Default::default();
        let mut apply = |target: Target, x: &Tensor| -> Result<Tensor> {
            let (w, lora) = self.weights(layer, target);
            let (y, kept) = linear(x, w, lora)?;
            xa[target as usize] = kept;
            Ok(y)
        };
        let attention_in = rms_norm(&x, &block.attention_norm, eps)?;
        let q = self.group_heads(&rope.forward(&self.split_heads(&apply(Target::Q, &attention_in)?)?)?)?;
        let k = rope.forward(&self.split_heads(&apply(Target::K, &attention_in)?)?)?;
        let v = self.split_heads(&apply(Target::V, &attention_in)?)?;
        let attended = attention(&q, &k, &v, Some(&self.mask), self.shape)?;
        let merged = self.merge_heads(&self.ungroup_heads(&attended.0)?)?;
        let middle = (&x + apply(Target::O, &merged)?)?;
        let ffn_in = rms_norm(&middle, &block.ffn_norm, eps)?;
        let (gate, up) = (apply(Target::Gate, &ffn_in)?, apply(Target::Up, &ffn_in)?);
        let activated = swiglu(&gate, &up)?;
        let out = (&middle + apply(Target::Down, &activated)?)?;
        let tape = Tape { x, attention_in, qkv: [q, k, v], attended, merged, middle, ffn_in, gate, up, activated, xa };
        Ok((out, tape))
    }

    fn block_backward(&self, layer: usize, tape: &Tape, dout: Tensor, captures: &mut Vec<Capture>) -> Result<Tensor> {
        let block = &self.base.blocks()[layer];
        let (eps, rope) = (self.base.config().eps, self.base.rope());
        let mut back = |target: Target, x: &Tensor, dy: &Tensor| -> Result<Tensor> {
            let (w, lora) = self.weights(layer, target);
            let (dx, dyb) = linear_backward(dy, w, lora)?;
            if let (Some(xa), Some(dyb)) = (&tape.xa[target as usize], dyb) {
                let by_example = |m: &Tensor| m.reshape((self.b, self.t, ()));
                captures.push(Capture {
                    slot: Slot { layer, target },
                    x: by_example(x)?,
                    dy: by_example(dy)?,
                    xa: by_example(xa)?,
                    dyb: by_example(&dyb)?,
                });
            }
            Ok(dx)
        };
        let dactivated = back(Target::Down, &tape.activated, &dout)?;
        let (dgate, dup) = swiglu_backward(&tape.gate, &tape.up, &dactivated)?;
        let dffn = (back(Target::Gate, &tape.ffn_in, &dgate)? + back(Target::Up, &tape.ffn_in, &dup)?)?;
        let dmiddle = (dout + rms_norm_backward(&tape.middle, &block.ffn_norm, eps, &dffn)?)?;

        let dmerged = back(Target::O, &tape.merged, &dmiddle)?;
        let dattended = self.group_heads(&self.split_heads(&dmerged)?)?;
        let [q, k, v] = &tape.qkv;
        let (y, p) = &tape.attended;
        let (dq, dk, dv) = attention_backward((q, k, v), (y, p), &dattended, self.shape)?;
        let dq = self.merge_heads(&rope.backward(&self.ungroup_heads(&dq)?)?)?;
        let dk = self.merge_heads(&rope.backward(&dk)?)?;
        let dv = self.merge_heads(&dv)?;
        let dattention = ((back(Target::Q, &tape.attention_in, &dq)? + back(Target::K, &tape.attention_in, &dk)?)?
            + back(Target::V, &tape.attention_in, &dv)?)?;
        Ok((dmiddle + rms_norm_backward(&tape.x, &block.attention_norm, eps, &dattention)?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        batch::Example,
        config::LlamaConfig,
        gradient::{lora_grads, per_example_grads},
        lora::LoraConfig,
    };

    fn example(seed: u32, len: usize, loss_from: usize) -> Example {
        let tokens = (0..len as u32).map(|i| (seed * 31 + i * i * 7 + i) % 256).collect();
        Example { id: [seed as u8; 32], tokens, loss_from }
    }

    fn model() -> Result<(BaseModel, Adapter)> {
        let base = BaseModel::random(&LlamaConfig::tiny(), 1)?;
        let fresh = Adapter::init(&base, &LoraConfig { rank: 3, ..Default::default() }, 5)?;
        let flat: Vec<f32> =
            fresh.to_flat()?.iter().enumerate().map(|(i, v)| v + 0.05 * (i as f32 * 0.61).sin()).collect();
        let adapter = fresh.with_flat(&flat)?;
        Ok((base, adapter))
    }

    #[test]
    fn lora_gradient_is_the_derivative_of_the_loss() -> Result<()> {
        let (base, adapter) = model()?;
        let (a, b) = (example(1, 9, 3), example(2, 6, 1));
        let batch = Batch::new(&base, &[&a, &b])?;
        let gradient = lora_grads(&forward_backward(&base, &adapter, &batch)?.captures, &adapter)?;
        let flat = adapter.to_flat()?;
        let at = |direction: &[f32], step: f32| -> Result<f64> {
            let moved: Vec<f32> = flat.iter().zip(direction).map(|(p, d)| p + step * d).collect();
            let losses = forward_losses(&base, Some(&adapter.with_flat(&moved)?), &batch)?;
            Ok(losses.iter().map(|l| f64::from(*l)).sum())
        };
        // Several directions are tried. One of them is the gradient itself.
        for seed in 0..4 {
            let direction: Vec<f32> = if seed == 0 {
                gradient.clone()
            } else {
                (0..flat.len()).map(|i| (i as f32 * (0.3 + seed as f32)).sin()).collect()
            };
            let norm = direction.iter().map(|d| d * d).sum::<f32>().sqrt();
            let direction: Vec<f32> = direction.iter().map(|d| d / norm).collect();
            let expected: f64 = gradient.iter().zip(&direction).map(|(g, d)| f64::from(g * d)).sum();
            let h = 0.02;
            let numeric = (8.0 * (at(&direction, h)? - at(&direction, -h)?)
                - (at(&direction, 2.0 * h)? - at(&direction, -2.0 * h)?))
                / (12.0 * f64::from(h));
            assert!((numeric - expected).abs() < 1e-3 * expected.abs().max(0.1), "{seed}: {numeric} vs {expected}");
        }
        Ok(())
    }

    #[test]
    fn per_example_gradients_are_those_of_the_examples_alone_and_sum_to_the_batch() -> Result<()> {
        let (base, adapter) = model()?;
        let examples = [example(1, 9, 3), example(2, 6, 1), example(3, 12, 4)];
        let batch = Batch::new(&base, &examples.iter().collect::<Vec<_>>())?;
        let out = forward_backward(&base, &adapter, &batch)?;
        let each = per_example_grads(&out.captures, &adapter)?;
        let total = lora_grads(&out.captures, &adapter)?;
        for i in 0..total.len() {
            let sum: f32 = each.iter().map(|g| g[i]).sum();
            assert!((sum - total[i]).abs() < 1e-5 + 1e-4 * total[i].abs());
        }
        for (i, example) in examples.iter().enumerate() {
            let alone = forward_backward(&base, &adapter, &Batch::new(&base, &[example])?)?;
            assert!((alone.per_example_loss[0] - out.per_example_loss[i]).abs() < 1e-5);
            let gradient = lora_grads(&alone.captures, &adapter)?;
            let error: f32 = gradient.iter().zip(&each[i]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            let scale: f32 = gradient.iter().map(|a| a.abs()).fold(0.0, f32::max);
            assert!(error < 1e-5 * scale.max(1.0), "example {i}: {error} of {scale}");
        }
        Ok(())
    }

    #[test]
    fn padded_positions_have_no_output_gradient() -> Result<()> {
        let (base, adapter) = model()?;
        let (long, short) = (example(1, 9, 3), example(2, 4, 1));
        let out = forward_backward(&base, &adapter, &Batch::new(&base, &[&long, &short])?)?;
        assert_eq!(out.captures.len(), 14);
        for capture in &out.captures {
            let padded = capture.dy.get(1)?.narrow(0, 4, 5)?.abs()?.max_all()?.to_scalar::<f32>()?;
            assert_eq!(padded, 0.0, "{}", capture.name());
        }
        Ok(())
    }

    #[test]
    fn a_zero_weight_leaves_the_example_out() -> Result<()> {
        let (base, adapter) = model()?;
        let (a, b) = (example(1, 9, 3), example(2, 9, 1));
        let batch = Batch::new(&base, &[&a, &b])?.with_weights(&[1.0, 0.0])?;
        let out = forward_backward(&base, &adapter, &batch)?;
        let each = per_example_grads(&out.captures, &adapter)?;
        assert!(each[0].iter().any(|v| *v != 0.0));
        assert!(each[1].iter().all(|v| *v == 0.0));
        assert!(out.per_example_loss[1] > 0.0);
        Ok(())
    }

    #[test]
    fn a_fresh_adapter_changes_nothing() -> Result<()> {
        let base = BaseModel::random(&LlamaConfig::tiny(), 1)?;
        let adapter = Adapter::init(&base, &LoraConfig::default(), 5)?;
        let example = example(1, 9, 3);
        let batch = Batch::new(&base, &[&example])?;
        assert_eq!(forward_losses(&base, None, &batch)?, forward_losses(&base, Some(&adapter), &batch)?);
        Ok(())
    }

    #[test]
    fn captures_below_the_adapted_layers_are_not_computed() -> Result<()> {
        let base = BaseModel::random(&LlamaConfig::tiny(), 1)?;
        let config = LoraConfig { targets: vec![Target::Q, Target::V], ..Default::default() };
        let adapter = Adapter::init(&base, &config, 5)?;
        let example = example(1, 9, 3);
        let out = forward_backward(&base, &adapter, &Batch::new(&base, &[&example])?)?;
        let slots: Vec<_> = out.captures.iter().map(|c| (c.slot.layer, c.slot.target)).collect();
        assert_eq!(slots, [(0, Target::Q), (0, Target::V), (1, Target::Q), (1, Target::V)]);
        Ok(())
    }
}
