//! The layers of a Llama, each with its backward pass written by hand.
//!
//! Nothing here uses automatic differentiation: stock autograd would also compute the frozen weights' gradients
//! (twice the time and memory), and the fused normalisation, rotation and softmax have no derivative in it.

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
