//! Training jobs: runs them with a log, and checks those of other operators.

mod draw;
mod estimate;
mod heartbeat;
mod run;
mod states;
mod verify;

pub use run::Training;
pub use verify::Verification;
