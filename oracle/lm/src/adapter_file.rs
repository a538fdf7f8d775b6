//! Adapters as safetensors files with PEFT's tensor names. The bytes follow from the adapter alone, so their SHA-256 is
//! the adapter's identity.

use crate::{
    bytes::{f32_bytes, f32_values},
    digest::{Digest, sha256},
    error::{LmError, Result},
    file::write_atomically,
    layer::Slot,
    llama::BaseModel,
    lora::{Adapter, AdapterLayout, LoraConfig},
};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, path::Path, sync::Arc};

/// Key of the metadata entry. There is one entry only, because safetensors writes several entries in no fixed order.
const METADATA_KEY: &str = "lora_adapter_metadata";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Metadata {
    base_sha256: String,
    lora: LoraConfig,
}

fn tensor_name(slot: Slot, matrix: char) -> String {
    format!("base_model.model.{}.lora_{matrix}.weight", slot.name())
}

impl Adapter {
    /// The canonical safetensors bytes.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let flat = f32_bytes(&self.to_flat()?);
        let rank = self.config().rank;
        let views = self
            .layout()
            .spans()
            .iter()
            .flat_map(|s| {
                [
                    (tensor_name(s.slot, 'A'), vec![rank, s.input], &s.a),
                    (tensor_name(s.slot, 'B'), vec![s.output, rank], &s.b),
                ]
            })
            .map(|(name, shape, range)| {
                Ok((name, TensorView::new(Dtype::F32, shape, &flat[range.start * 4..range.end * 4])?))
            })
            .collect::<Result<Vec<_>>>()?;
        let metadata = Metadata { base_sha256: hex::encode(self.base_hash()), lora: self.config().clone() };
        let entry = HashMap::from([(METADATA_KEY.to_owned(), serde_json::to_string(&metadata)?)]);
        Ok(safetensors::serialize(views, Some(entry))?)
    }

    /// SHA-256 of [`Self::to_bytes`].
    pub fn hash(&self) -> Result<Digest> {
        Ok(sha256(&self.to_bytes()?))
    }

    /// Writes the adapter and returns its hash. A crash leaves either the whole file or no file.
    pub fn save(&self, path: &Path) -> Result<Digest> {
        let bytes = self.to_bytes()?;
        write_atomically(path, &bytes)?;
        Ok(sha256(&bytes))
    }

    /// Reads an adapter for `base`. Fails if the adapter was made for another base model.
    pub fn load(path: &Path, base: &BaseModel) -> Result<Self> {
        Self::from_bytes(&std::fs::read(path).map_err(LmError::io("read", path))?, base)
    }

    /// Like [`Self::load`], from bytes.
    pub fn from_bytes(bytes: &[u8], base: &BaseModel) -> Result<Self> {
        let (_, header) = SafeTensors::read_metadata(bytes)?;
        let entry = header
            .metadata()
            .as_ref()
            .and_then(|m| m.get(METADATA_KEY))
            .ok_or_else(|| LmError::Adapter(format!("the file's metadata has no `{METADATA_KEY}`")))?;
        let metadata: Metadata = serde_json::from_str(entry)?;
        let layout = Arc::new(AdapterLayout::new(base.config(), &metadata.lora)?);
        let mut base_hash = Digest::default();
        hex::decode_to_slice(&metadata.base_sha256, &mut base_hash)
            .map_err(|e| LmError::Adapter(format!("`base_sha256` in the metadata: {e}")))?;
        let tensors = SafeTensors::deserialize(bytes)?;
        if tensors.len() != 2 * layout.spans().len() {
            return Err(LmError::Adapter(format!(
                "the file has {} tensors, its configuration asks for {}",
                tensors.len(),
                2 * layout.spans().len()
            )));
        }
        let rank = metadata.lora.rank;
        let mut flat = vec![0f32; layout.len()];
        for span in layout.spans() {
            for (matrix, range, shape) in [('A', &span.a, [rank, span.input]), ('B', &span.b, [span.output, rank])] {
                let name = tensor_name(span.slot, matrix);
                let view = tensors.tensor(&name)?;
                if view.dtype() != Dtype::F32 || view.shape() != shape {
                    return Err(LmError::Adapter(format!(
                        "tensor `{name}` is {:?} {:?}, expected F32 {shape:?}",
                        view.dtype(),
                        view.shape()
                    )));
                }
                flat[range.clone()].copy_from_slice(&f32_values(view.data()));
            }
        }
        if let Some(i) = flat.iter().position(|x| !x.is_finite()) {
            return Err(LmError::Adapter(format!("parameter {i} is {}", flat[i])));
        }
        let adapter = Self::from_flat(layout, &flat, base_hash, base.device())?;
        adapter.check_base(base)?;
        Ok(adapter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::LlamaConfig;

    fn adapter(base: &BaseModel) -> Result<Adapter> {
        let fresh = Adapter::init(base, &LoraConfig::default(), 3)?;
        let flat: Vec<f32> = (0..fresh.layout().len()).map(|i| (i as f32 * 0.37).sin()).collect();
        fresh.with_flat(&flat)
    }

    #[test]
    fn save_and_load_keep_every_parameter_and_the_hash() -> Result<()> {
        let base = BaseModel::random(&LlamaConfig::tiny(), 1)?;
        let adapter = adapter(&base)?;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("adapter.safetensors");
        let hash = adapter.save(&path)?;
        let loaded = Adapter::load(&path, &base)?;
        assert_eq!(loaded.to_flat()?, adapter.to_flat()?);
        assert_eq!((loaded.hash()?, adapter.hash()?), (hash, hash));
        assert_eq!(loaded.config(), adapter.config());
        Ok(())
    }

    #[test]
    fn tensor_names_are_those_of_peft() -> Result<()> {
        let base = BaseModel::random(&LlamaConfig::tiny(), 1)?;
        let bytes = adapter(&base)?.to_bytes()?;
        let view = SafeTensors::deserialize(&bytes)?;
        let a = view.tensor("base_model.model.model.layers.1.self_attn.q_proj.lora_A.weight")?;
        assert_eq!(a.shape(), [8, 32]);
        let b = view.tensor("base_model.model.model.layers.0.mlp.up_proj.lora_B.weight")?;
        assert_eq!(b.shape(), [64, 8]);
        Ok(())
    }

    #[test]
    fn an_adapter_of_another_base_is_refused() -> Result<()> {
        let (base, other) = (BaseModel::random(&LlamaConfig::tiny(), 1)?, BaseModel::random(&LlamaConfig::tiny(), 2)?);
        let error = Adapter::from_bytes(&adapter(&base)?.to_bytes()?, &other).unwrap_err().to_string();
        assert!(error.contains(&hex::encode(base.hash())) && error.contains(&hex::encode(other.hash())), "{error}");
        Ok(())
    }

    #[test]
    fn damaged_files_are_refused() -> Result<()> {
        let base = BaseModel::random(&LlamaConfig::tiny(), 1)?;
        let mut bytes = adapter(&base)?.to_bytes()?;
        assert!(Adapter::from_bytes(&bytes[..bytes.len() - 4], &base).is_err());
        let end = bytes.len();
        bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
        assert!(matches!(Adapter::from_bytes(&bytes, &base), Err(LmError::Adapter(_))));
        Ok(())
    }
}
