//! Root-mean-square normalisation (Zhang & Sennrich 2019): y = x / √(mean(x²) + ε) · w.

use crate::error::Result;
use candle_core::{D, Tensor};

/// x (n, d), w (d) → (n, d).
pub(crate) fn rms_norm(x: &Tensor, w: &Tensor, eps: f32) -> Result<Tensor> {
    Ok(candle_nn::ops::rms_norm(x, w, eps)?)
}

/// dx = r·(w∘dy − x·r²·mean(w∘dy∘x)) with r = 1/√(mean(x²) + ε).
pub(crate) fn rms_norm_backward(x: &Tensor, w: &Tensor, eps: f32, dy: &Tensor) -> Result<Tensor> {
    let width = x.dim(D::Minus1)? as f64;
    let r2 = ((x.sqr()?.sum_keepdim(D::Minus1)? / width)? + f64::from(eps))?.recip()?;
    let gw = dy.broadcast_mul(w)?;
    let dot = ((&gw * x)?.sum_keepdim(D::Minus1)? / width)?;
    Ok((gw - x.broadcast_mul(&(dot * &r2)?)?)?.broadcast_mul(&r2.sqrt()?)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::numeric::{check, wave};

    #[test]
    fn backward_is_the_derivative() -> Result<()> {
        let (x, w, g) = (wave(&[3, 6], 0.1), wave(&[6], 0.2), wave(&[3, 6], 0.3));
        let dx = rms_norm_backward(&x, &w, 1e-5, &g)?;
        check(&x, &g, &dx, |x| rms_norm(x, &w, 1e-5));
        Ok(())
    }
}
