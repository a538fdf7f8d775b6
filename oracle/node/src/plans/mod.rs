//! What a job computes, and what this node keeps of it in memory and on disk. Training and settlements build on this
//! room.

mod finished;
mod gradients;
mod known;
mod limits;
mod parent;
mod paying;
mod plan;
mod refusal;
mod roles;
mod settings;
#[cfg(test)]
pub mod tests;

pub use finished::{FinishedJob, FinishedJobs};
pub use gradients::KeptGradients;
pub use known::Plans;
pub use limits::MOST_INDEX;
pub use paying::Paying;
pub use plan::{JobPlan, KERNEL};
pub use roles::rank;
