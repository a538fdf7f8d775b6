//! Evaluates a method: the measures, the subsets that they need, and a task that is small enough for hundreds of
//! retrainings.

pub mod detection;
pub mod export;
pub mod job_check;
pub mod lds;
pub mod leave_outs;
pub mod pretrain;
pub mod regime;
pub mod reliability;
pub mod retrain;
mod rng;
pub mod subsets;
pub mod tiny;
pub mod transformations;
pub mod weights;
pub mod word_problems;

pub use openledger_attribution::correlation;
