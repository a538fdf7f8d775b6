//! What a job computes, and what is kept of it in memory and on disk. Training and settlements both build on it.

mod gradients;
mod known;
mod members;
mod plan;
mod settings;
mod standing;

pub use gradients::KeptGradients;
pub use known::Plans;
pub use members::rank;
pub use plan::{JobPlan, KERNEL};
pub use standing::{DocumentStanding, JobShares, Standings};
