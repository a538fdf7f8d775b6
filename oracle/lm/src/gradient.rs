//! LoRA gradients from captures, by two small matrix products per layer.

use crate::{
    error::{LmError, Result},
    lora::Adapter,
    train_pass::Capture,
};
use candle_core::Tensor;

/// Gradient of Σᵢ wᵢ·ℓᵢ over the batch with respect to the adapter, flat in the order of the adapter's layout.
pub fn lora_grads(captures: &[Capture], adapter: &Adapter) -> Result<Vec<f32>> {
    let mut flat = vec![0f32; adapter.layout().len()];
    for_each_layer(captures, adapter, |capture, range_a, range_b, scale| {
        // One product over all positions sums over the batch.
        let rows = |m: &Tensor| m.flatten(0, 1);
        let da = (rows(&capture.dyb)?.t()?.matmul(&rows(&capture.x)?)? * scale)?;
        let db = (rows(&capture.dy)?.t()?.matmul(&rows(&capture.xa)?)? * scale)?;
        flat[range_a].copy_from_slice(&da.flatten_all()?.to_vec1::<f32>()?);
        flat[range_b].copy_from_slice(&db.flatten_all()?.to_vec1::<f32>()?);
        Ok(())
    })?;
    Ok(flat)
}

/// wᵢ·∇ℓᵢ of every example, each flat in the order of the adapter's layout.
pub fn per_example_grads(captures: &[Capture], adapter: &Adapter) -> Result<Vec<Vec<f32>>> {
    let examples = captures.first().ok_or(LmError::Empty("list of captures"))?.x.dim(0)?;
    let mut grads = vec![vec![0f32; adapter.layout().len()]; examples];
    for_each_layer(captures, adapter, |capture, range_a, range_b, scale| {
        let da = (capture.dyb.transpose(1, 2)?.matmul(&capture.x)? * scale)?;
        let db = (capture.dy.transpose(1, 2)?.matmul(&capture.xa)? * scale)?;
        for (i, flat) in grads.iter_mut().enumerate() {
            flat[range_a.clone()].copy_from_slice(&da.get(i)?.flatten_all()?.to_vec1::<f32>()?);
            flat[range_b.clone()].copy_from_slice(&db.get(i)?.flatten_all()?.to_vec1::<f32>()?);
        }
        Ok(())
    })?;
    Ok(grads)
}

fn for_each_layer(
    captures: &[Capture],
    adapter: &Adapter,
    mut f: impl FnMut(&Capture, std::ops::Range<usize>, std::ops::Range<usize>, f64) -> Result<()>,
) -> Result<()> {
    let spans = adapter.layout().spans();
    if captures.len() != spans.len() || captures.iter().zip(spans).any(|(c, s)| c.slot != s.slot) {
        return Err(LmError::Adapter(format!(
            "{} captures for {} adapted layers; pass all captures of one pass with this adapter",
            captures.len(),
            spans.len()
        )));
    }
    let scale = adapter.config().scale();
    captures.iter().zip(spans).try_for_each(|(capture, span)| f(capture, span.a.clone(), span.b.clone(), scale))
}
