//! The layers of a Llama, each with its backward pass written by hand.
//!
//! Nothing here uses automatic differentiation, for two reasons. It would also compute the frozen weights' gradients,
//! at twice the time and memory. It has no derivative of the fused normalisation, rotation and softmax.

mod attention;
mod linear;
#[cfg(test)]
pub(crate) mod numeric;
mod rmsnorm;
mod rope;
mod swiglu;

pub(crate) use attention::{AttentionShape, attention, attention_backward, causal_mask};
pub(crate) use linear::{linear, linear_backward};
pub(crate) use rmsnorm::{rms_norm, rms_norm_backward};
pub use rope::Rope;
pub(crate) use swiglu::{swiglu, swiglu_backward};
