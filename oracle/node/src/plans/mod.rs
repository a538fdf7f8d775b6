//! What a job computes, and what this node keeps of it in memory and on disk. Training and settlements build on this
//! room.

mod gradients;
mod known;
mod plan;
mod roles;
mod settings;
mod standing;

pub use gradients::KeptGradients;
pub use known::Plans;
pub use plan::{JobPlan, KERNEL};
pub use roles::{MOST_SEGMENTS, check_segments, rank};
pub use standing::{DocumentStanding, JobShares, Standings};
