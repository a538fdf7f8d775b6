//! The state of a walk. It is published as a checkpoint, a crash resumes from it, and a verifier re-executes from it.

use super::adjoint::Adjoint;
use crate::error::{AttributionError, Result};
use openledger_lm::{Digest, f32_bytes, f32_values, sha256};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

/// What one step back measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepTrace {
    /// ‖∂φ/∂θ‖ before the training step.
    pub adjoint: f64,
    /// ‖u‖, where u = ∂φ/∂g for the batch's averaged gradient g.
    pub gradient_adjoint: f64,
    /// Asymmetry r of the displaced gradients. NaN if they were not needed (u = 0) or do not differ.
    pub asymmetry: f64,
}

/// The state of a walk between two training steps.
#[derive(Clone, Debug, PartialEq)]
pub struct MagicState {
    /// The job: hash of run, method and settings.
    pub job: Digest,
    /// Which φ: the hash of the query. If the walk came from an adapter trained on this one, it is the hash of the
    /// child's last state.
    pub functional: Digest,
    /// Number of training steps before this point. They are still to be walked.
    pub step: u64,
    /// Derivatives of φ with respect to parameters and moments at this point.
    pub adjoint: Adjoint,
    /// Σ |weight| of the query's items. The adjoint's size is judged by it.
    pub weight: f64,
    /// Length of the next step's displacement.
    pub delta: f64,
    /// ∂φ/∂wᵢ of every example over the steps walked so far.
    pub derivatives: Vec<f64>,
    /// Measurements of the steps walked so far, last training step first.
    pub trace: Vec<StepTrace>,
}

impl MagicState {
    /// Safetensors bytes. They follow from the state alone.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let trace = self.trace.iter().flat_map(|t| [t.adjoint, t.gradient_adjoint, t.asymmetry]);
        let (n, k) = (self.adjoint.a.len(), self.derivatives.len());
        let parts: [(&str, Dtype, Vec<usize>, Vec<u8>); 10] = [
            ("a", Dtype::F32, vec![n], f32_bytes(&self.adjoint.a)),
            ("m", Dtype::F32, vec![n], f32_bytes(&self.adjoint.m)),
            ("v", Dtype::F32, vec![n], f32_bytes(&self.adjoint.v)),
            ("weight", Dtype::F64, vec![1], f64_bytes([self.weight])),
            ("delta", Dtype::F64, vec![1], f64_bytes([self.delta])),
            ("derivatives", Dtype::F64, vec![k], f64_bytes(self.derivatives.iter().copied())),
            ("trace", Dtype::F64, vec![self.trace.len(), 3], f64_bytes(trace)),
            ("step", Dtype::U64, vec![1], self.step.to_le_bytes().to_vec()),
            ("job", Dtype::U8, vec![32], self.job.to_vec()),
            ("functional", Dtype::U8, vec![32], self.functional.to_vec()),
        ];
        let views = parts
            .iter()
            .map(|(name, dtype, shape, bytes)| Ok((*name, TensorView::new(*dtype, shape.clone(), bytes)?)))
            .collect::<std::result::Result<Vec<_>, safetensors::SafeTensorError>>()
            .map_err(container)?;
        safetensors::serialize(views, None).map_err(container)
    }

    /// Reads [`Self::to_bytes`] back.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let tensors = SafeTensors::deserialize(bytes).map_err(container)?;
        let read = |name: &str, dtype: Dtype, dims: usize| -> Result<TensorView<'_>> {
            let view = tensors.tensor(name).map_err(container)?;
            if view.dtype() != dtype || view.shape().len() != dims {
                let found = format!("tensor `{name}` is {:?} {:?}", view.dtype(), view.shape());
                return Err(AttributionError::MagicState(found));
            }
            Ok(view)
        };
        let f32s = |name: &str| -> Result<Vec<f32>> { Ok(f32_values(read(name, Dtype::F32, 1)?.data())) };
        let f64s = |name: &str, dims| -> Result<Vec<f64>> { Ok(f64_values(read(name, Dtype::F64, dims)?.data())) };
        let digest =
            |name: &str| -> Result<Digest> { read(name, Dtype::U8, 1)?.data().try_into().map_err(|_| short(name)) };
        let step = read("step", Dtype::U64, 1)?.data().try_into().map_err(|_| short("step"))?;
        let number = |name: &str| -> Result<f64> { f64s(name, 1)?.first().copied().ok_or_else(|| short(name)) };
        let trace = f64s("trace", 2)?;
        let state = Self {
            job: digest("job")?,
            functional: digest("functional")?,
            step: u64::from_le_bytes(step),
            adjoint: Adjoint { a: f32s("a")?, m: f32s("m")?, v: f32s("v")? },
            weight: number("weight")?,
            delta: number("delta")?,
            derivatives: f64s("derivatives", 1)?,
            trace: trace
                .as_chunks::<3>()
                .0
                .iter()
                .map(|[adjoint, gradient_adjoint, asymmetry]| StepTrace {
                    adjoint: *adjoint,
                    gradient_adjoint: *gradient_adjoint,
                    asymmetry: *asymmetry,
                })
                .collect(),
        };
        // Bytes that `to_bytes` did not write differ here: wrong lengths, extra tensors, another order.
        if state.to_bytes().is_ok_and(|again| again == bytes) {
            Ok(state)
        } else {
            Err(AttributionError::MagicState("its tensors do not fit together".into()))
        }
    }

    /// SHA-256 of [`Self::to_bytes`].
    pub fn hash(&self) -> Result<Digest> {
        Ok(sha256(&self.to_bytes()?))
    }
}

fn f64_bytes(values: impl IntoIterator<Item = f64>) -> Vec<u8> {
    values.into_iter().flat_map(f64::to_le_bytes).collect()
}

fn f64_values(bytes: &[u8]) -> Vec<f64> {
    bytes.as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b)).collect()
}

fn container(error: safetensors::SafeTensorError) -> AttributionError {
    AttributionError::MagicState(error.to_string())
}

fn short(name: &str) -> AttributionError {
    AttributionError::MagicState(format!("tensor `{name}` has the wrong length"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> MagicState {
        MagicState {
            job: [1; 32],
            functional: [2; 32],
            step: 7,
            adjoint: Adjoint { a: vec![1.5, -0.0], m: vec![1e-30, 2.0], v: vec![3.0, 4.0] },
            weight: 1.0,
            delta: 0.01,
            derivatives: vec![0.1, -0.2, 0.3],
            trace: vec![StepTrace { adjoint: 1.0, gradient_adjoint: 2.0, asymmetry: 0.5 }; 2],
        }
    }

    #[test]
    fn bytes_round_trip_and_do_not_vary() -> Result<()> {
        let bytes = state().to_bytes()?;
        assert_eq!(bytes, state().to_bytes()?);
        assert_eq!(MagicState::from_bytes(&bytes)?, state());
        let empty = MagicState { trace: vec![], ..state() };
        assert_eq!(MagicState::from_bytes(&empty.to_bytes()?)?, empty);
        // A missing asymmetry is NaN, which must not make the bytes differ.
        let mut unknown = state();
        unknown.trace[1].asymmetry = f64::NAN;
        assert_eq!(MagicState::from_bytes(&unknown.to_bytes()?)?.to_bytes()?, unknown.to_bytes()?);
        Ok(())
    }

    #[test]
    fn damaged_and_foreign_bytes_are_refused() -> Result<()> {
        let bytes = state().to_bytes()?;
        let uneven = MagicState { adjoint: Adjoint { m: vec![0.0], ..state().adjoint }, ..state() };
        let foreign = openledger_lm::TrainState::new(vec![1.0]).to_bytes()?;
        for bad in [&bytes[..bytes.len() - 1], &[], &foreign] {
            assert!(matches!(MagicState::from_bytes(bad), Err(AttributionError::MagicState(_))));
        }
        assert!(uneven.to_bytes().is_err(), "three vectors of one length");
        Ok(())
    }
}
