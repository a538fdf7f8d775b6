//! The gated activation (Shazeer 2020): y = silu(gate) ∘ up.

use crate::error::Result;
use candle_core::Tensor;

/// gate, up (n, ffn) → (n, ffn).
pub(crate) fn swiglu(gate: &Tensor, up: &Tensor) -> Result<Tensor> {
    Ok((gate.silu()? * up)?)
}

/// (dgate, dup): dgate = dy∘up∘(σ + silu·(1 − σ)), dup = dy∘silu.
pub(crate) fn swiglu_backward(gate: &Tensor, up: &Tensor, dy: &Tensor) -> Result<(Tensor, Tensor)> {
    let sigmoid = candle_nn::ops::sigmoid(gate)?;
    let silu = (gate * &sigmoid)?;
    let slope = ((&sigmoid + &silu)? - (&silu * &sigmoid)?)?;
    Ok((((dy * up)? * slope)?, (dy * silu)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::numeric::{check, wave};

    #[test]
    fn backward_is_the_derivative() -> Result<()> {
        let (a, b, g) = (wave(&[3, 5], 0.1), wave(&[3, 5], 0.2), wave(&[3, 5], 0.3));
        let (da, db) = swiglu_backward(&a, &b, &g)?;
        check(&a, &g, &da, |a| swiglu(a, &b));
        check(&b, &g, &db, |b| swiglu(&a, b));
        Ok(())
    }
}
