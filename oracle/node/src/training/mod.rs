//! Training jobs: taking one, running it with a log, and checking those of others.

mod gradients;
mod heartbeat;
mod plan;
mod run;
mod settings;
mod states;
mod verify;

pub use gradients::cache;
pub use plan::{JobPlan, rank};
pub use run::train;
pub use verify::verify;
