//! Settling an epoch: what was answered, whose documents shaped it, and what that is worth.

mod approve;
mod drive;
mod epoch;
mod influence;
mod report;
mod scores;
mod standing;

pub use approve::approve;
pub use drive::{Proposal, drive};
pub use epoch::{Epoch, EpochModel};
pub use report::{Observed, build};
pub use scores::{method, observe};
pub use standing::Standing;
