//! Writes an adapter in the form in which PEFT stores a LoRA.

use super::files;
use openledger_attribution::Result;
use openledger_lm::Adapter;
use serde_json::json;
use std::path::Path;

/// Writes `adapter_config.json` and `adapter_model.safetensors`. The project's adapter files have PEFT's tensor names
/// already.
pub(super) fn write(folder: &Path, adapter: &Adapter) -> Result<()> {
    let lora = adapter.config();
    let modules: Vec<&str> = lora.targets.iter().map(|t| t.module().rsplit('.').next().unwrap_or_default()).collect();
    let config = json!({
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": "model",
        "r": lora.rank,
        "lora_alpha": lora.alpha,
        "lora_dropout": 0.0,
        "target_modules": modules,
        "bias": "none",
        "fan_in_fan_out": false,
        "inference_mode": true,
    });
    files::json(&folder.join("adapter_config.json"), &config)?;
    files::bytes(&folder.join("adapter_model.safetensors"), &adapter.to_bytes()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::model;
    use safetensors::SafeTensors;

    #[test]
    fn files_have_the_names_and_the_scale_that_peft_expects() {
        let (_, adapter) = model();
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("deep/er"), &adapter).unwrap();
        let at = |name: &str| std::fs::read(folder.path().join("deep/er").join(name)).unwrap();
        let config: serde_json::Value = serde_json::from_slice(&at("adapter_config.json")).unwrap();
        let modules = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];
        assert_eq!(config["target_modules"], json!(modules));
        assert_eq!((&config["r"], &config["lora_alpha"]), (&json!(8), &json!(16.0)));
        let bytes = at("adapter_model.safetensors");
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(tensors.len(), 2 * 2 * modules.len());
        assert!(tensors.tensor("base_model.model.model.layers.1.mlp.down_proj.lora_B.weight").is_ok());
    }
}
