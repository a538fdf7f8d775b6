//! Writes a base model as Hugging Face's LlamaForCausalLM, with the byte-level tokenizer.

use super::{super::weights, files};
use openledger_attribution::{AttributionError, Result};
use openledger_lm::{BYTE_VOCAB, BaseModel, LlamaConfig, LmError, Tokenizer};
use safetensors::{Dtype, tensor::TensorView};
use serde_json::{Value, json};
use std::{collections::HashMap, path::Path};

/// The special tokens after the 256 bytes, by the names that this project gives them.
const SPECIAL: [&str; 3] = ["<|im_start|>", "<|im_end|>", "<|endoftext|>"];

/// Writes `config.json`, `model.safetensors`, `tokenizer.json` and `tokenizer_config.json`.
pub(super) fn write(folder: &Path, base: &BaseModel, tokenizer: &Tokenizer) -> Result<()> {
    if tokenizer.vocab_size() != BYTE_VOCAB {
        return Err(AttributionError::setting(
            "tokenizer",
            format!("only the byte-level one can be exported, this one has {} ids", tokenizer.vocab_size()),
        ));
    }
    files::json(&folder.join("config.json"), &config(base.config(), tokenizer))?;
    write_weights(&folder.join("model.safetensors"), base)?;
    files::json(&folder.join("tokenizer.json"), &byte_tokenizer())?;
    let settings = json!({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": SPECIAL[1],
        "pad_token": SPECIAL[2],
        "model_max_length": base.config().max_len,
        "clean_up_tokenization_spaces": false,
    });
    files::json(&folder.join("tokenizer_config.json"), &settings)
}

fn config(config: &LlamaConfig, tokenizer: &Tokenizer) -> Value {
    json!({
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": config.vocab,
        "hidden_size": config.hidden,
        "intermediate_size": config.ffn,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.kv_heads,
        "head_dim": config.head_dim(),
        "hidden_act": "silu",
        "rms_norm_eps": config.eps,
        // The first place is where version 4 of transformers looks for it, the second where version 5 does.
        "rope_theta": config.rope_theta,
        "rope_parameters": {"rope_type": "default", "rope_theta": config.rope_theta},
        "max_position_embeddings": config.max_len,
        "tie_word_embeddings": config.tied,
        "attention_bias": false,
        "mlp_bias": false,
        "attention_dropout": 0.0,
        "bos_token_id": null,
        "eos_token_id": tokenizer.end_of_turn(),
        "pad_token_id": null,
        "dtype": "float32",
    })
}

/// Writes the weights alone, as `model.safetensors` of [`write`].
pub(super) fn write_weights(file: &Path, base: &BaseModel) -> Result<()> {
    files::bytes(file, &container(base)?)
}

/// The weights in f32. q and k have the half-rotation layout of Hugging Face already.
fn container(base: &BaseModel) -> Result<Vec<u8>> {
    let weights = weights::named(base)
        .into_iter()
        .map(|(name, weight)| {
            let values = weight.flatten_all()?.to_vec1::<f32>()?;
            Ok((name, weight.dims().to_vec(), values.iter().flat_map(|v| v.to_le_bytes()).collect()))
        })
        .collect::<Result<Vec<(String, Vec<usize>, Vec<u8>)>>>()?;
    let views = weights
        .iter()
        .map(|(name, shape, bytes)| Ok((name, TensorView::new(Dtype::F32, shape.clone(), bytes)?)))
        .collect::<std::result::Result<Vec<_>, safetensors::SafeTensorError>>();
    // transformers refuses files that do not say which library's tensors they hold.
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    let bytes = views.and_then(|views| safetensors::serialize(views, Some(metadata)));
    Ok(bytes.map_err(LmError::from)?)
}

/// A tokenizer in which every byte is its own id. No character is in the vocabulary, so each character falls back to
/// its bytes.
///
/// This tokenizer recognises special tokens that are written in a text. [`Tokenizer`] does not. If a text may hold
/// them, use the ids that are exported beside it.
fn byte_tokenizer() -> Value {
    let vocab: serde_json::Map<_, _> = (0..256).map(|b| (format!("<0x{b:02X}>"), b.into())).collect();
    let added: Vec<_> = (256..)
        .zip(SPECIAL)
        .map(|(id, content)| {
            json!({
                "id": id, "content": content, "special": true,
                "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
            })
        })
        .collect();
    json!({
        "version": "1.0", "truncation": null, "padding": null, "normalizer": null, "pre_tokenizer": null,
        "post_processor": null,
        "added_tokens": added,
        "decoder": { "type": "Sequence", "decoders": [{ "type": "ByteFallback" }, { "type": "Fuse" }] },
        "model": {
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": true, "ignore_merges": false,
            "vocab": vocab, "merges": [],
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::model;
    use candle_core::Device;

    #[test]
    fn the_written_weights_are_the_model() {
        let (base, _) = model();
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &base, &Tokenizer::bytes()).unwrap();
        let weights = candle_core::safetensors::load(folder.path().join("model.safetensors"), &Device::Cpu).unwrap();
        assert!(
            weights.contains_key("model.layers.0.self_attn.k_proj.weight") && !weights.contains_key("lm_head.weight")
        );
        let read = BaseModel::from_tensors(base.config(), weights, &Device::Cpu).unwrap();
        assert_eq!(read.hash(), base.hash());
    }

    #[test]
    fn the_configuration_describes_the_shape() {
        let (base, _) = model();
        let found = config(base.config(), &Tokenizer::bytes());
        for (key, value) in [
            ("vocab_size", 260),
            ("hidden_size", 32),
            ("num_key_value_heads", 2),
            ("head_dim", 8),
            ("intermediate_size", 64),
            ("eos_token_id", 257),
        ] {
            assert_eq!(found[key], value, "{key}");
        }
        assert_eq!(found["rope_parameters"]["rope_theta"], 10_000.0);
        assert_eq!(found["rms_norm_eps"].as_f64().unwrap() as f32, base.config().eps);
    }

    #[test]
    fn the_written_tokenizer_gives_our_ids() {
        let (ours, theirs) =
            (Tokenizer::bytes(), tokenizers::Tokenizer::from_bytes(byte_tokenizer().to_string()).unwrap());
        for text in ["r:old cat>cat old\n", "héllo 世界 🦀 \t\0", "a", " "] {
            let ids = ours.encode(text).unwrap();
            assert_eq!(theirs.encode_fast(text, false).unwrap().get_ids(), ids, "{text:?}");
            assert_eq!(theirs.decode(&ids, false).unwrap(), text);
        }
        assert_eq!(theirs.token_to_id("<|im_end|>"), Some(ours.end_of_turn()));
        assert_eq!(theirs.token_to_id("<|endoftext|>"), Some(*ours.eos_ids().last().unwrap()));
    }
}
