//! A frozen linear layer with an optional low-rank update fused in.

use crate::{error::Result, lora::LoraPair};
use candle_core::Tensor;

/// y = x Wᵀ + s·(x Aᵀ) Bᵀ for x (n, in), W (out, in). Returns y (n, out) and x Aᵀ (n, r), which the gradient of B needs.
pub(crate) fn linear(x: &Tensor, w: &Tensor, lora: Option<&LoraPair>) -> Result<(Tensor, Option<Tensor>)> {
    let y = x.matmul(&w.t()?)?;
    match lora {
        None => Ok((y, None)),
        Some(pair) => {
            let xa = x.matmul(&pair.a.t()?)?;
            let y = (y + (&xa * pair.scale)?.matmul(&pair.b.t()?)?)?;
            Ok((y, Some(xa)))
        }
    }
}

/// dx = dy W + s·(dy B) A for dy (n, out). Returns dx (n, in) and dy B (n, r), which the gradient of A needs.
pub(crate) fn linear_backward(dy: &Tensor, w: &Tensor, lora: Option<&LoraPair>) -> Result<(Tensor, Option<Tensor>)> {
    let dx = dy.matmul(w)?;
    match lora {
        None => Ok((dx, None)),
        Some(pair) => {
            let dyb = dy.matmul(&pair.b)?;
            let dx = (dx + (&dyb * pair.scale)?.matmul(&pair.a)?)?;
            Ok((dx, Some(dyb)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::numeric::{check, wave};

    #[test]
    fn backward_is_the_derivative_with_and_without_lora() -> Result<()> {
        let (x, w, g) = (wave(&[3, 5], 0.1), wave(&[4, 5], 0.2), wave(&[3, 4], 0.3));
        let pair = LoraPair { a: wave(&[2, 5], 0.4), b: wave(&[4, 2], 0.5), scale: 1.5 };
        for lora in [None, Some(&pair)] {
            let (dx, _) = linear_backward(&g, &w, lora)?;
            check(&x, &g, &dx, |x| Ok(linear(x, &w, lora)?.0));
        }
        Ok(())
    }
}
