//! Cross-entropy at the positions that count in the loss, and its gradient, in one pass over the output layer.

use crate::{batch::Batch, error::Result, llama::BaseModel};
use candle_core::Tensor;

/// Number of rows of logits held at once. It bounds the memory to this number times the vocabulary.
const CHUNK: usize = 256;

/// The loss ℓᵢ of every example by the batch's reduction, from hidden states (b·t, hidden).
pub(crate) fn losses(base: &BaseModel, hidden: &Tensor, batch: &Batch) -> Result<Vec<f32>> {
    let mut nll = Vec::with_capacity(batch.rows.len());
    for (rows, labels) in batch.rows.chunks(CHUNK).zip(batch.labels.chunks(CHUNK)) {
        let (values, _) = chunk_nll(base, &select(hidden, rows)?, labels)?;
        nll.extend(values);
    }
    Ok(example_losses(&nll, batch))
}

/// Like [`losses`], with the gradient (b·t, hidden) of Σᵢ wᵢ·lossᵢ with respect to the hidden states.
pub(crate) fn losses_and_gradient(base: &BaseModel, hidden: &Tensor, batch: &Batch) -> Result<(Vec<f32>, Tensor)> {
    let factor = |(n, w): (&usize, &f32)| std::iter::repeat_n(w / batch.loss.divisor(*n) as f32, *n);
    let factors: Vec<f32> = batch.targets.iter().zip(&batch.weights).flat_map(factor).collect();
    let mut nll = Vec::with_capacity(batch.rows.len());
    let mut pieces = Vec::new();
    let chunks = batch.rows.chunks(CHUNK).zip(batch.labels.chunks(CHUNK)).zip(factors.chunks(CHUNK));
    for ((rows, labels), factors) in chunks {
        let (values, p) = chunk_nll(base, &select(hidden, rows)?, labels)?;
        nll.extend(values);
        // d/dh = (p − onehot) W. The one-hot part is a row of W.
        let index = Tensor::new(labels, base.device())?;
        let d = (p.matmul(base.head())? - base.head().index_select(&index, 0)?)?;
        pieces.push(d.broadcast_mul(&Tensor::new(factors, base.device())?.unsqueeze(1)?)?);
    }
    // Positions that predict nothing get the row of zeros at the end. This is a gather, not a scatter, so no sum
    // depends on an order of addition.
    let (positions, width) = hidden.dims2()?;
    pieces.push(Tensor::zeros((1, width), hidden.dtype(), base.device())?);
    let mut source = vec![batch.rows.len() as u32; positions];
    for (i, row) in (0u32..).zip(&batch.rows) {
        source[*row as usize] = i;
    }
    let gradient = Tensor::cat(&pieces, 0)?.index_select(&Tensor::new(source, base.device())?, 0)?;
    Ok((example_losses(&nll, batch), gradient))
}

fn select(hidden: &Tensor, rows: &[u32]) -> Result<Tensor> {
    Ok(hidden.index_select(&Tensor::new(rows, hidden.device())?, 0)?)
}

/// Negative log-likelihoods of the labels, and the probabilities (n, vocab).
fn chunk_nll(base: &BaseModel, hidden: &Tensor, labels: &[u32]) -> Result<(Vec<f32>, Tensor)> {
    let logits = base.logits(hidden)?;
    let label = Tensor::new(labels, base.device())?.unsqueeze(1)?;
    let p = candle_nn::ops::softmax_last_dim(&logits)?;
    // log Σ exp(l) = max(l) − log max(p). This is exact even if a label's own probability underflows.
    let log_sum = (logits.max_keepdim(1)? - p.max_keepdim(1)?.log()?)?;
    let nll = (log_sum - logits.gather(&label, 1)?)?.flatten_all()?.to_vec1::<f32>()?;
    Ok((nll, p))
}

fn example_losses(nll: &[f32], batch: &Batch) -> Vec<f32> {
    let mut rest = nll;
    batch
        .targets
        .iter()
        .map(|&n| {
            let (own, after) = rest.split_at(n);
            rest = after;
            (own.iter().map(|v| f64::from(*v)).sum::<f64>() / batch.loss.divisor(n)) as f32
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        batch::Example,
        config::LlamaConfig,
        ops::numeric::{check, wave},
    };

    #[test]
    fn gradient_is_the_derivative_of_the_weighted_losses() -> Result<()> {
        let base = BaseModel::random(&LlamaConfig::tiny(), 1)?;
        let a = Example { id: [1; 32], tokens: vec![10, 11, 12], loss_from: 1 };
        let b = Example { id: [2; 32], tokens: vec![20, 21], loss_from: 1 };
        let batch = Batch::new(&base, &[&a, &b])?.with_weights(&[0.5, 2.0])?;
        let hidden = wave(&[6, 32], 0.2);
        let (loss, gradient) = losses_and_gradient(&base, &hidden, &batch)?;
        assert_eq!(loss, losses(&base, &hidden, &batch)?);
        let weights = Tensor::new(&[0.5f32, 2.0], base.device())?;
        check(&hidden, &weights, &gradient, |h| Ok(Tensor::new(losses(&base, h, &batch)?, base.device())?));
        Ok(())
    }
}
