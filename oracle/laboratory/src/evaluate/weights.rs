//! The frozen weights of a base model under their Hugging Face names.

use openledger_lm::{BaseModel, Slot, Target, Tensor};

/// Every weight with its name, in f32. A tied output layer is left out, because it is the embedding.
pub fn named(base: &BaseModel) -> Vec<(String, Tensor)> {
    let mut weights = vec![
        ("model.embed_tokens.weight".to_owned(), base.embedding().clone()),
        ("model.norm.weight".to_owned(), base.final_norm().clone()),
    ];
    if !base.config().tied {
        weights.push(("lm_head.weight".to_owned(), base.head().clone()));
    }
    for (layer, block) in base.blocks().iter().enumerate() {
        for (norm, weight) in
            [("input_layernorm", &block.attention_norm), ("post_attention_layernorm", &block.ffn_norm)]
        {
            weights.push((format!("model.layers.{layer}.{norm}.weight"), weight.clone()));
        }
        for target in Target::ALL {
            weights.push((format!("{}.weight", Slot { layer, target }.name()), block.linear(target).clone()));
        }
    }
    weights
}
