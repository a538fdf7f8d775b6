//! Trains an adapter so that anyone can repeat it. Everything follows from base, configuration and examples.

mod clip;
mod config;
mod distance;
mod log;
mod optimizer;
mod plan;
mod replay;
mod schedule;
mod state;
mod trainer;

pub use clip::{clip_scale, global_norm};
pub use config::{Schedule, TrainConfig};
pub use distance::StateDistance;
pub use log::{DirectorySink, LogEntry, StateSink, TrainingLog};
pub use optimizer::AdamW;
pub use plan::BatchPlan;
pub use replay::replay_segment;
pub use schedule::learning_rate;
pub use state::TrainState;
pub use trainer::{Progress, StepObserver, StepReport, Trainer, evaluate};
