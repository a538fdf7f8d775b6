//! Training jobs: running one with a log, and checking those of others.

mod draw;
mod estimate;
mod heartbeat;
mod run;
mod states;
mod verify;

pub use run::Training;
pub use verify::Verification;
