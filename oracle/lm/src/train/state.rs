//! Parameters and optimiser moments between two steps.

use crate::{
    bytes::{f32_bytes, f32_values},
    digest::{Digest, sha256},
    error::{LmError, Result},
};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::collections::HashMap;

const STEP_KEY: &str = "step";

/// The state of a training. All vectors are flat in the order of the adapter's layout.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainState {
    /// Steps done.
    pub step: u64,
    /// Parameters θ.
    pub params: Vec<f32>,
    /// First moment.
    pub m: Vec<f32>,
    /// Second moment.
    pub v: Vec<f32>,
}

impl TrainState {
    /// The state before the first step.
    pub fn new(params: Vec<f32>) -> Self {
        let zeros = vec![0.0; params.len()];
        Self { step: 0, params, m: zeros.clone(), v: zeros }
    }

    /// Safetensors bytes. They follow from the state alone.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let parts = [("m", f32_bytes(&self.m)), ("params", f32_bytes(&self.params)), ("v", f32_bytes(&self.v))];
        let views = parts
            .iter()
            .map(|(name, bytes)| Ok((*name, TensorView::new(Dtype::F32, vec![self.params.len()], bytes)?)))
            .collect::<Result<Vec<_>>>()?;
        let metadata = HashMap::from([(STEP_KEY.to_owned(), self.step.to_string())]);
        Ok(safetensors::serialize(views, Some(metadata))?)
    }

    /// Reads [`Self::to_bytes`] back.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let (_, header) = SafeTensors::read_metadata(bytes)?;
        let step = header
            .metadata()
            .as_ref()
            .and_then(|m| m.get(STEP_KEY))
            .and_then(|s| s.parse().ok())
            .ok_or_else(|| LmError::State(format!("metadata `{STEP_KEY}` is missing or no number")))?;
        let tensors = SafeTensors::deserialize(bytes)?;
        let read = |name: &str| -> Result<Vec<f32>> {
            let view = tensors.tensor(name)?;
            if view.dtype() != Dtype::F32 || view.shape().len() != 1 {
                return Err(LmError::State(format!("tensor `{name}` is {:?} {:?}", view.dtype(), view.shape())));
            }
            Ok(f32_values(view.data()))
        };
        let state = Self { step, params: read("params")?, m: read("m")?, v: read("v")? };
        if state.m.len() != state.params.len() || state.v.len() != state.params.len() {
            return Err(LmError::State("`params`, `m` and `v` differ in length".into()));
        }
        Ok(state)
    }

    /// SHA-256 of [`Self::to_bytes`].
    pub fn hash(&self) -> Result<Digest> {
        Ok(sha256(&self.to_bytes()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_round_trip_and_do_not_vary() -> Result<()> {
        let state = TrainState { step: 7, params: vec![1.5, -0.0], m: vec![0.1, 0.2], v: vec![1e-30, 3.0] };
        let bytes = state.to_bytes()?;
        assert_eq!(TrainState::from_bytes(&bytes)?, state);
        assert_eq!(bytes, state.to_bytes()?);
        assert!(TrainState::from_bytes(&bytes[..bytes.len() - 1]).is_err());
        Ok(())
    }
}
