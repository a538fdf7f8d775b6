//! Settles an epoch: finds what was answered, which documents shaped it, and what that is worth.
//!
//! [`facts`] gathers the facts of an epoch, once. [`observe`] works out this member's own shares with [`influence`].
//! [`settle`] brings the members' observations together and posts what follows from them ([`outcome`], [`report`]).
//! [`approve`] checks the same at a member that is asked to sign.

mod answers;
mod approve;
mod epoch;
mod facts;
mod influence;
mod observe;
mod outcome;
mod proposal;
mod report;
mod settle;
mod shares;

pub use approve::Approval;
pub use facts::Epochs;
pub use influence::Tools;
pub use observe::Observations;
pub use proposal::{Proposal, Question};
pub use settle::Settler;
