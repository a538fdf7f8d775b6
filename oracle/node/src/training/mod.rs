//! Training jobs: taking one, running it with a log, and checking those of others.

mod plan;
mod run;
mod verify;

pub use plan::{JobPlan, rank};
pub use run::{gradients, train};
pub use verify::verify;
