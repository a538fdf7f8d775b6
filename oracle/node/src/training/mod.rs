//! Training jobs: runs them with a log, and checks those of other operators.

mod band;
mod busy;
mod case;
mod dealing;
mod draw;
mod duty;
mod folder;
mod health;
mod heartbeat;
mod kernel;
mod log;
mod pace;
mod progress;
mod rounds;
mod routes;
mod run;
mod segment;
mod silence;
mod verify;
mod word;
mod words;

pub use busy::Busy;
pub use kernel::class as kernel_class;
pub use pace::Pace;
pub use routes::routes;
pub use run::Training;
pub use verify::Verification;
pub use words::{Others, OwnWords};
