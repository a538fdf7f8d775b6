//! The methods that ours are compared with, each behind [`Attributor`](openledger_attribution::Attributor). A score is
//! positive if training on the example lowered the query's loss.
//!
//! The gradient methods share [`gradients::ExampleGradients`], the unprojected gradients of the adapter's parameters.
//! These need N · P · 4 bytes. So the methods are for measuring, not for serving.

pub mod bm25;
pub mod datainf;
pub mod gradient;
pub mod gradients;
mod ids;
pub mod random;
pub mod repsim;
pub mod tracin;
