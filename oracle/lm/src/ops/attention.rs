//! Grouped-query attention over whole sequences. The queries of one group are stacked as rows, so keys and values are
//! never repeated.

use crate::error::Result;
use candle_core::{DType, Device, Tensor};

/// Sizes that do not follow from the flat tensors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AttentionShape {
    /// Query heads per key/value head.
    pub(crate) group: usize,
    /// Width of a head.
    pub(crate) head_dim: usize,
}

impl AttentionShape {
    fn scale(self) -> f64 {
        1.0 / (self.head_dim as f64).sqrt()
    }
}

/// (t, s) additive mask for the last t of s positions: 0 if key j is at or before the query's position, −∞ if it is
/// after it.
pub(crate) fn causal_mask(t: usize, s: usize, device: &Device) -> Result<Tensor> {
    let before = s - t;
    let mask: Vec<f32> =
        (0..t).flat_map(|i| (0..s).map(move |j| if j > before + i { f32::NEG_INFINITY } else { 0.0 })).collect();
    Ok(Tensor::from_vec(mask, (t, s), device)?)
}

/// q (b, kv, group·t, hd), k and v (b, kv, s, hd), mask (t, s) or none → output like q, probabilities (b, kv, group·t, s).
pub(crate) fn attention(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    mask: Option<&Tensor>,
    shape: AttentionShape,
) -> Result<(Tensor, Tensor)> {
    let (b, kv, rows, _) = q.dims4()?;
    let s = k.dim(2)?;
    let mut scores = (q.matmul(&k.t()?)? * shape.scale())?;
    if let Some(mask) = mask {
        let by_head = (b * kv * shape.group, rows / shape.group, s);
        scores = scores.reshape(by_head)?.broadcast_add(mask)?.reshape((b, kv, rows, s))?;
    }
    debug_assert_eq!(scores.dtype(), DType::F32);
    let p = candle_nn::ops::softmax_last_dim(&scores)?;
    Ok((p.matmul(v)?, p))
}

/// (dq, dk, dv) from the inputs, the output y and the probabilities p of the forward pass.
pub(crate) fn attention_backward(
    (q, k, v): (&Tensor, &Tensor, &Tensor),
    (y, p): (&Tensor, &Tensor),
    dy: &Tensor,
    shape: AttentionShape,
) -> Result<(Tensor, Tensor, Tensor)> {
    let dv = p.t()?.matmul(dy)?;
    let dp = dy.matmul(&v.t()?)?;
    // Σⱼ dpⱼ·pⱼ equals dy·y. The latter is cheaper, because a head is narrower than the sequence is long.
    let dot = (dy * y)?.sum_keepdim(candle_core::D::Minus1)?;
    let ds = ((dp.broadcast_sub(&dot)? * p)? * shape.scale())?;
    Ok((ds.matmul(k)?, ds.t()?.matmul(q)?, dv))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::numeric::{check, wave};

    #[test]
    fn backward_is_the_derivative() -> Result<()> {
        let shape = AttentionShape { group: 2, head_dim: 4 };
        let (q, k, v) = (wave(&[1, 2, 6, 4], 0.1), wave(&[1, 2, 3, 4], 0.2), wave(&[1, 2, 3, 4], 0.3));
        let g = wave(&[1, 2, 6, 4], 0.4);
        let mask = causal_mask(3, 3, &Device::Cpu)?;
        let run = |q: &Tensor, k: &Tensor, v: &Tensor| attention(q, k, v, Some(&mask), shape);
        let (y, p) = run(&q, &k, &v)?;
        let (dq, dk, dv) = attention_backward((&q, &k, &v), (&y, &p), &g, shape)?;
        check(&q, &g, &dq, |q| Ok(run(q, &k, &v)?.0));
        check(&k, &g, &dk, |k| Ok(run(&q, k, &v)?.0));
        check(&v, &g, &dv, |v| Ok(run(&q, &k, v)?.0));
        Ok(())
    }

    #[test]
    fn the_mask_of_a_continuation_sees_the_whole_past() -> Result<()> {
        let mask = causal_mask(2, 4, &Device::Cpu)?.to_vec2::<f32>()?;
        let open: Vec<usize> = mask.iter().map(|row| row.iter().filter(|v| **v == 0.0).count()).collect();
        assert_eq!(open, [3, 4]);
        Ok(())
    }
}
