//! Rotary position embedding (Su et al. 2021) in the half-rotation layout.

use crate::{
    config::LlamaConfig,
    error::{LmError, Result},
};
use candle_core::{DType, Device, Tensor};

/// Cosines and sines for every position, (max_len, head_dim / 2).
#[derive(Debug)]
pub struct Rope {
    cos: Tensor,
    sin: Tensor,
}

impl Rope {
    pub(crate) fn new(config: &LlamaConfig, device: &Device) -> Result<Self> {
        let (width, positions) = (config.head_dim(), config.max_len);
        let inverse: Vec<f32> =
            (0..width).step_by(2).map(|i| 1.0 / config.rope_theta.powf(i as f32 / width as f32)).collect();
        let inverse = Tensor::from_vec(inverse, (1, width / 2), device)?;
        let position = Tensor::arange(0u32, positions as u32, device)?.to_dtype(DType::F32)?.reshape((positions, 1))?;
        let angle = position.matmul(&inverse)?;
        Ok(Self { cos: angle.cos()?, sin: angle.sin()? })
    }

    fn first(&self, len: usize) -> Result<(Tensor, Tensor)> {
        Ok((self.cos.narrow(0, 0, len)?, self.sin.narrow(0, 0, len)?))
    }

    /// Rotates x (b, heads, t, head_dim), whose rows are at positions 0..t.
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (cos, sin) = self.first(x.dim(2)?)?;
        Ok(candle_nn::rotary_emb::rope(x, &cos, &sin)?)
    }

    /// The inverse rotation, which is the transposed Jacobian of [`Self::forward`].
    pub(crate) fn backward(&self, dy: &Tensor) -> Result<Tensor> {
        let (cos, sin) = self.first(dy.dim(2)?)?;
        Ok(candle_nn::rotary_emb::rope(dy, &cos, &sin.neg()?)?)
    }

    /// The table rows of the given positions, for [`Self::rotate_rows`].
    pub fn rows(&self, positions: &[u32]) -> Result<(Tensor, Tensor)> {
        let limit = self.cos.dim(0)?;
        if let Some(&position) = positions.iter().max()
            && position as usize >= limit
        {
            return Err(LmError::TooLong { what: "the sequence".into(), length: position as usize + 1, limit });
        }
        let index = Tensor::new(positions, self.cos.device())?;
        Ok((self.cos.index_select(&index, 0)?, self.sin.index_select(&index, 0)?))
    }

    /// Rotates x (n, heads, head_dim). Row i is at the i-th position that was given to [`Self::rows`].
    pub fn rotate_rows(x: &Tensor, (cos, sin): &(Tensor, Tensor)) -> Result<Tensor> {
        Ok(candle_nn::rotary_emb::rope_thd(&x.unsqueeze(0)?, cos, sin)?.squeeze(0)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::numeric::{check, wave};

    #[test]
    fn backward_is_the_derivative() -> Result<()> {
        let rope = Rope::new(&LlamaConfig::tiny(), &Device::Cpu)?;
        let (x, g) = (wave(&[1, 2, 3, 8], 0.1), wave(&[1, 2, 3, 8], 0.3));
        check(&x, &g, &rope.backward(&g)?, |x| rope.forward(x));
        Ok(())
    }

    #[test]
    fn rows_at_scattered_positions_equal_the_sequence() -> Result<()> {
        let rope = Rope::new(&LlamaConfig::tiny(), &Device::Cpu)?;
        let x = wave(&[4, 2, 8], 0.1);
        let sequence = rope.forward(&x.transpose(0, 1)?.contiguous()?.unsqueeze(0)?)?;
        let order = [3u32, 0, 2];
        let picked = x.index_select(&Tensor::new(&order, &Device::Cpu)?, 0)?;
        let rotated = Rope::rotate_rows(&picked, &rope.rows(&order)?)?;
        for (i, position) in order.iter().enumerate() {
            let expected = sequence.narrow(2, *position as usize, 1)?.flatten_all()?.to_vec1::<f32>()?;
            assert_eq!(rotated.get(i)?.flatten_all()?.to_vec1::<f32>()?, expected);
        }
        assert!(matches!(rope.rows(&[128]), Err(LmError::TooLong { length: 129, limit: 128, .. })));
        Ok(())
    }
}
