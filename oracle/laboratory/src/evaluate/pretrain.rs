//! Makes a base model: random weights are trained on neutral text and merged.

use super::weights;
use openledger_attribution::Result;
use openledger_lm::{Adapter, BaseModel, Example, TrainConfig, Trainer};
use std::{collections::HashMap, sync::Arc};

/// The base model with the adapter's update added to its weights: W + s·BA.
pub fn merged(base: &BaseModel, adapter: &Adapter) -> Result<BaseModel> {
    adapter.check_base(base)?;
    let mut weights: HashMap<_, _> = weights::named(base).into_iter().collect();
    for (slot, pair) in adapter.pairs() {
        let update = (pair.b.matmul(&pair.a)? * pair.scale)?;
        let weight = base.blocks()[slot.layer].linear(slot.target).add(&update)?;
        weights.insert(format!("{}.weight", slot.name()), weight);
    }
    Ok(BaseModel::from_tensors(base.config(), weights, base.device())?)
}

/// Trains an adapter of `base` on `examples` and merges it. If the rank is as high as the layers are wide, every linear
/// layer is trained in full. Embeddings and norms stay as they are. `progress` gets each step's number and loss.
pub fn pretrained(
    base: Arc<BaseModel>,
    config: &TrainConfig,
    examples: Arc<[Example]>,
    mut progress: impl FnMut(u64, f32),
) -> Result<BaseModel> {
    let mut trainer = Trainer::new(base.clone(), config.clone(), examples)?;
    while !trainer.is_finished() {
        let report = trainer.step()?;
        progress(report.step + 1, report.loss);
    }
    merged(&base, trainer.adapter())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{examples, model};
    use openledger_lm::{Batch, forward_losses};

    #[test]
    fn a_merged_model_computes_what_base_and_adapter_did() {
        let (base, adapter) = model();
        let merged = merged(&base, &adapter).unwrap();
        let losses = |base: &BaseModel, adapter| {
            let examples = examples(3);
            forward_losses(base, adapter, &Batch::new(base, &examples.iter().collect::<Vec<_>>()).unwrap()).unwrap()
        };
        for (a, b) in losses(&merged, None).iter().zip(losses(&base, Some(&adapter))) {
            assert!((a - b).abs() < 1e-4, "{a} against {b}");
        }
        assert_ne!(merged.hash(), base.hash());
    }
}
