//! Reads a GGUF file that holds a Llama: its configuration, its weights under their Hugging Face names, and the parts
//! of its vocabulary.

use crate::{
    config::LlamaConfig,
    error::{LmError, Result},
    layer::Target,
};
use candle_core::{
    Device, Tensor,
    quantized::gguf_file::{Content, Value},
};
use std::{
    collections::HashMap,
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};

/// An opened GGUF file. Its header is parsed. Tensors are read on request.
pub(crate) struct GgufFile {
    path: PathBuf,
    content: Content,
    reader: BufReader<File>,
}

impl GgufFile {
    /// Opens the file and parses its header.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let mut reader = BufReader::new(File::open(path).map_err(LmError::io("open", path))?);
        let content = Content::read(&mut reader)
            .map_err(|e| LmError::Gguf { path: path.to_path_buf(), reason: format!("bad header: {e}") })?;
        Ok(Self { path: path.to_path_buf(), content, reader })
    }

    /// An error about this file.
    pub(crate) fn error(&self, reason: impl Into<String>) -> LmError {
        LmError::Gguf { path: self.path.clone(), reason: reason.into() }
    }

    /// A metadata value. Fails if the key is absent, and names it.
    pub(crate) fn metadata(&self, key: &str) -> Result<&Value> {
        self.content.metadata.get(key).ok_or_else(|| self.error(format!("metadata `{key}` is missing")))
    }

    fn size(&self, key: &str) -> Result<usize> {
        self.metadata(key)?.to_u32().map(|v| v as usize).map_err(|e| self.error(format!("metadata `{key}`: {e}")))
    }

    fn float(&self, key: &str) -> Result<f32> {
        self.metadata(key)?.to_f32().map_err(|e| self.error(format!("metadata `{key}`: {e}")))
    }

    /// Token id stored under a metadata key, if the key is present.
    pub(crate) fn token_id(&self, key: &str) -> Option<u32> {
        self.content.metadata.get(key).and_then(|v| v.to_u32().ok())
    }

    /// An array of strings in the metadata.
    pub(crate) fn strings(&self, key: &str) -> Result<Vec<String>> {
        let values = self.metadata(key)?.to_vec().map_err(|e| self.error(format!("metadata `{key}`: {e}")))?;
        values
            .iter()
            .map(|v| v.to_string().cloned().map_err(|e| self.error(format!("metadata `{key}`: {e}"))))
            .collect()
    }

    /// An array of 32-bit integers in the metadata.
    pub(crate) fn integers(&self, key: &str) -> Result<Vec<i32>> {
        let values = self.metadata(key)?.to_vec().map_err(|e| self.error(format!("metadata `{key}`: {e}")))?;
        values.iter().map(|v| v.to_i32().map_err(|e| self.error(format!("metadata `{key}`: {e}")))).collect()
    }

    /// The model's shape.
    pub(crate) fn config(&self) -> Result<LlamaConfig> {
        let architecture = self
            .metadata("general.architecture")?
            .to_string()
            .map_err(|e| self.error(format!("metadata `general.architecture`: {e}")))?;
        if architecture != "llama" {
            return Err(self.error(format!("architecture is `{architecture}`, only `llama` is supported")));
        }
        let embedding = self
            .content
            .tensor_infos
            .get("token_embd.weight")
            .ok_or_else(|| self.error("tensor `token_embd.weight` is missing"))?;
        let vocab = *embedding.shape.dims().first().unwrap_or(&0);
        let config = LlamaConfig {
            vocab,
            hidden: self.size("llama.embedding_length")?,
            layers: self.size("llama.block_count")?,
            heads: self.size("llama.attention.head_count")?,
            kv_heads: self.size("llama.attention.head_count_kv")?,
            ffn: self.size("llama.feed_forward_length")?,
            rope_theta: self.float("llama.rope.freq_base")?,
            eps: self.float("llama.attention.layer_norm_rms_epsilon")?,
            max_len: self.size("llama.context_length")?,
            tied: !self.content.tensor_infos.contains_key("output.weight"),
        };
        config.validate()?;
        Ok(config)
    }

    /// Reads and dequantises every weight to f32 on `device`, under its Hugging Face name.
    pub(crate) fn weights(&mut self, config: &LlamaConfig, device: &Device) -> Result<HashMap<String, Tensor>> {
        let mut weights = HashMap::new();
        weights.insert("model.embed_tokens.weight".to_owned(), self.tensor("token_embd.weight", device)?);
        weights.insert("model.norm.weight".to_owned(), self.tensor("output_norm.weight", device)?);
        if !config.tied {
            weights.insert("lm_head.weight".to_owned(), self.tensor("output.weight", device)?);
        }
        for i in 0..config.layers {
            for (gguf, hf) in [("attn_norm", "input_layernorm"), ("ffn_norm", "post_attention_layernorm")] {
                let weight = self.tensor(&format!("blk.{i}.{gguf}.weight"), device)?;
                weights.insert(format!("model.layers.{i}.{hf}.weight"), weight);
            }
            for target in Target::ALL {
                let weight = self.tensor(&format!("blk.{i}.{}.weight", gguf_name(target)), device)?;
                let weight = match target {
                    Target::Q => unpermute(&weight, config.heads)?,
                    Target::K => unpermute(&weight, config.kv_heads)?,
                    _ => weight,
                };
                weights.insert(format!("model.layers.{i}.{}.weight", target.module()), weight);
            }
        }
        Ok(weights)
    }

    fn tensor(&mut self, name: &str, device: &Device) -> Result<Tensor> {
        let quantised = self
            .content
            .tensor(&mut self.reader, name, &Device::Cpu)
            .map_err(|e| LmError::Gguf { path: self.path.clone(), reason: format!("tensor `{name}`: {e}") })?;
        Ok(quantised.dequantize(&Device::Cpu)?.to_device(device)?)
    }
}

fn gguf_name(target: Target) -> &'static str {
    match target {
        Target::Q => "attn_q",
        Target::K => "attn_k",
        Target::V => "attn_v",
        Target::O => "attn_output",
        Target::Gate => "ffn_gate",
        Target::Up => "ffn_up",
        Target::Down => "ffn_down",
    }
}

/// Undoes llama.cpp's interleaving of the rotary halves in the weight (out, in) of q or k. The shape stays.
fn unpermute(weight: &Tensor, heads: usize) -> Result<Tensor> {
    let (out, input) = weight.dims2()?;
    Ok(weight.reshape((heads, out / heads / 2, 2, input))?.transpose(1, 2)?.reshape((out, input))?.contiguous()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unpermute_inverts_the_interleaving() -> Result<()> {
        // One head of four rows. llama.cpp stores the rows 0, 2, 1, 3 of the half-rotation layout.
        let w = Tensor::new(&[[0f32], [2.], [1.], [3.]], &Device::Cpu)?;
        assert_eq!(unpermute(&w, 1)?.flatten_all()?.to_vec1::<f32>()?, vec![0., 1., 2., 3.]);
        Ok(())
    }

    #[test]
    fn a_file_that_is_no_gguf_is_refused_by_name() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"not a model").unwrap();
        let error = GgufFile::open(file.path()).err().unwrap().to_string();
        assert!(error.contains(file.path().to_str().unwrap()), "{error}");
    }
}
