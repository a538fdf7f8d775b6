//! The base model: one copy of its weights in memory. It never changes, and any number of adapters share it.

use crate::{
    config::{LlamaConfig, ModelSource},
    digest::{Digest, sha256_file},
    error::{LmError, Result},
    gguf::GgufFile,
    layer::{Slot, Target},
    ops::Rope,
    rng,
    tokenizer::Tokenizer,
};
use candle_core::{Device, Tensor};
use sha2::{Digest as _, Sha256};
use std::{collections::HashMap, path::Path};

/// The weights of one transformer block, f32.
#[derive(Debug)]
pub struct Block {
    /// RMSNorm before attention, (hidden).
    pub attention_norm: Tensor,
    /// RMSNorm before the feed-forward layer, (hidden).
    pub ffn_norm: Tensor,
    linears: [Tensor; 7],
}

impl Block {
    /// Weight of a linear layer, (out, in).
    pub fn linear(&self, target: Target) -> &Tensor {
        &self.linears[target as usize]
    }
}

/// A Llama-family model with frozen f32 weights. Put it in an `Arc` and share it.
#[derive(Debug)]
pub struct BaseModel {
    config: LlamaConfig,
    hash: Digest,
    device: Device,
    embedding: Tensor,
    head: Tensor,
    final_norm: Tensor,
    blocks: Vec<Block>,
    rope: Rope,
}

impl BaseModel {
    /// Loads a GGUF file and dequantises it. The model's hash is the file's SHA-256.
    pub fn load_gguf(path: &Path, device: &Device) -> Result<Self> {
        Self::load_gguf_checked(path, None, device)
    }

    /// Like [`Self::load_gguf`]. Fails if the file's SHA-256 is not `expected`.
    pub fn load_gguf_checked(path: &Path, expected: Option<&str>, device: &Device) -> Result<Self> {
        let hash = sha256_file(path)?;
        if let Some(expected) = expected
            && !expected.eq_ignore_ascii_case(&hex::encode(hash))
        {
            return Err(LmError::HashMismatch {
                path: path.to_path_buf(),
                expected: expected.to_owned(),
                found: hex::encode(hash),
            });
        }
        let mut file = GgufFile::open(path)?;
        let config = file.config()?;
        let weights = file.weights(&config, device)?;
        Self::from_weights(&config, weights, hash, device)
    }

    /// Loads a model and its tokenizer from a source.
    pub fn load(source: &ModelSource, device: &Device) -> Result<(Self, Tokenizer)> {
        match source {
            ModelSource::Gguf { path, sha256 } => {
                let base = Self::load_gguf_checked(path, sha256.as_deref(), device)?;
                let tokenizer = Tokenizer::from_gguf(path)?;
                Ok((base, tokenizer))
            }
            ModelSource::Random { config, seed } => {
                let tokenizer = Tokenizer::bytes();
                if config.vocab < tokenizer.vocab_size() {
                    return Err(LmError::config(
                        "vocab",
                        format!("must be at least {} for the byte-level tokenizer", tokenizer.vocab_size()),
                    ));
                }
                Ok((Self::random_on(config, *seed, device)?, tokenizer))
            }
        }
    }

    /// A model with random weights on the CPU. The same seed gives the same bytes.
    pub fn random(config: &LlamaConfig, seed: u64) -> Result<Self> {
        Self::random_on(config, seed, &Device::Cpu)
    }

    /// Like [`Self::random`], on a device. Weights are uniform with variance 1/in, and norms are one.
    pub fn random_on(config: &LlamaConfig, seed: u64, device: &Device) -> Result<Self> {
        config.validate()?;
        let mut rng = rng::chacha(seed, rng::stream::WEIGHTS);
        let mut weights = HashMap::new();
        for (name, shape) in weight_shapes(config) {
            let values = match shape[..] {
                [n] => vec![1.0; n],
                [out, input] => rng::uniform(&mut rng, out * input, (3.0 / input as f32).sqrt()),
                _ => unreachable!("weights are vectors and matrices"),
            };
            weights.insert(name, Tensor::from_vec(values, shape, device)?);
        }
        let hash = hash_weights(config, &weights)?;
        Self::from_weights(config, weights, hash, device)
    }

    /// A model from f32 tensors under their Hugging Face names. The model's hash is that of its configuration and
    /// weights.
    pub fn from_tensors(config: &LlamaConfig, weights: HashMap<String, Tensor>, device: &Device) -> Result<Self> {
        config.validate()?;
        let hash = hash_weights(config, &weights)?;
        Self::from_weights(config, weights, hash, device)
    }

    fn from_weights(
        config: &LlamaConfig,
        mut weights: HashMap<String, Tensor>,
        hash: Digest,
        device: &Device,
    ) -> Result<Self> {
        for (name, shape) in weight_shapes(config) {
            let weight = weights.get(&name).ok_or_else(|| missing(&name))?;
            if weight.dims() != shape {
                return Err(LmError::Weight { name, reason: format!("shape {:?}, expected {shape:?}", weight.dims()) });
            }
        }
        let mut take = |name: String| weights.remove(&name).ok_or_else(|| missing(&name));
        let embedding = take("model.embed_tokens.weight".into())?;
        let head = if config.tied { embedding.clone() } else { take("lm_head.weight".into())? };
        let final_norm = take("model.norm.weight".into())?;
        let mut blocks = Vec::with_capacity(config.layers);
        for layer in 0..config.layers {
            let mut linears = Vec::with_capacity(Target::ALL.len());
            for target in Target::ALL {
                linears.push(take(format!("{}.weight", Slot { layer, target }.name()))?);
            }
            blocks.push(Block {
                attention_norm: take(format!("model.layers.{layer}.input_layernorm.weight"))?,
                ffn_norm: take(format!("model.layers.{layer}.post_attention_layernorm.weight"))?,
                linears: linears.try_into().expect("one weight per target"),
            });
        }
        let rope = Rope::new(config, device)?;
        tracing::debug!(hash = %hex::encode(hash), layers = config.layers, hidden = config.hidden, "base model loaded");
        Ok(Self { config: config.clone(), hash, device: device.clone(), embedding, head, final_norm, blocks, rope })
    }

    /// The model's shape.
    pub fn config(&self) -> &LlamaConfig {
        &self.config
    }

    /// The model's identity: the SHA-256 of the GGUF file, or of configuration and weights.
    pub fn hash(&self) -> Digest {
        self.hash
    }

    /// The device that holds the weights.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The blocks, first to last.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// Token embedding, (vocab, hidden).
    pub fn embedding(&self) -> &Tensor {
        &self.embedding
    }

    /// Output layer, (vocab, hidden).
    pub fn head(&self) -> &Tensor {
        &self.head
    }

    /// RMSNorm before the output layer, (hidden).
    pub fn final_norm(&self) -> &Tensor {
        &self.final_norm
    }

    /// Rotary tables.
    pub fn rope(&self) -> &Rope {
        &self.rope
    }

    /// Logits (n, vocab) of hidden states (n, hidden).
    pub fn logits(&self, hidden: &Tensor) -> Result<Tensor> {
        Ok(hidden.matmul(&self.head.t()?)?)
    }

    /// Fails if the embedding lacks one of the ids.
    pub(crate) fn check_tokens(&self, tokens: &[u32]) -> Result<()> {
        match tokens.iter().find(|t| **t as usize >= self.config.vocab) {
            Some(&token) => Err(LmError::TokenOutOfRange { token, vocab: self.config.vocab }),
            None => Ok(()),
        }
    }
}

fn missing(name: &str) -> LmError {
    LmError::Weight { name: name.to_owned(), reason: "is missing".into() }
}

/// Name and shape of every weight, in a fixed order.
fn weight_shapes(config: &LlamaConfig) -> Vec<(String, Vec<usize>)> {
    let mut shapes = vec![
        ("model.embed_tokens.weight".to_owned(), vec![config.vocab, config.hidden]),
        ("model.norm.weight".to_owned(), vec![config.hidden]),
    ];
    if !config.tied {
        shapes.push(("lm_head.weight".to_owned(), vec![config.vocab, config.hidden]));
    }
    for layer in 0..config.layers {
        for norm in ["input_layernorm", "post_attention_layernorm"] {
            shapes.push((format!("model.layers.{layer}.{norm}.weight"), vec![config.hidden]));
        }
        for target in Target::ALL {
            let (out, input) = target.shape(config);
            shapes.push((format!("{}.weight", Slot { layer, target }.name()), vec![out, input]));
        }
    }
    shapes
}

fn hash_weights(config: &LlamaConfig, weights: &HashMap<String, Tensor>) -> Result<Digest> {
    let mut hasher = Sha256::new();
    hasher.update(serde_json::to_vec(config)?);
    for (name, _) in weight_shapes(config) {
        let weight = weights.get(&name).ok_or_else(|| missing(&name))?;
        hasher.update(name.as_bytes());
        for value in weight.flatten_all()?.to_vec1::<f32>()? {
            hasher.update(value.to_le_bytes());
        }
    }
    Ok(hasher.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_weights_and_hash_depend_on_the_seed_alone() -> Result<()> {
        let config = LlamaConfig::tiny();
        let (a, b, c) =
            (BaseModel::random(&config, 1)?, BaseModel::random(&config, 1)?, BaseModel::random(&config, 2)?);
        assert_eq!(a.hash(), b.hash());
        assert_ne!(a.hash(), c.hash());
        assert_eq!(a.embedding().to_vec2::<f32>()?, b.embedding().to_vec2::<f32>()?);
        Ok(())
    }

    #[test]
    fn a_missing_weight_is_named() {
        let error = BaseModel::from_tensors(&LlamaConfig::tiny(), HashMap::new(), &Device::Cpu).unwrap_err();
        assert!(error.to_string().contains("model.embed_tokens.weight"), "{error}");
    }

    #[test]
    fn a_wrong_hash_names_file_expected_and_found() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = BaseModel::load_gguf_checked(file.path(), Some("00ff"), &Device::Cpu).unwrap_err().to_string();
        // `e3b0…` is the SHA-256 of an empty file.
        assert!(error.contains("00ff") && error.contains("e3b0c44298fc1c14"), "{error}");
        assert!(error.contains(file.path().to_str().unwrap()), "{error}");
    }
}
