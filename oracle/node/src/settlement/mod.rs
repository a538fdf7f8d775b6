//! Settling an epoch: what was answered, whose documents shaped it, and what that is worth.
//!
//! [`facts`] gathers what is known of an epoch, once. [`observe`] is this member's own view of it, which [`influence`]
//! works out. [`settle`] brings the members' views together and posts what follows from them ([`outcome`], [`report`]);
//! [`approve`] is the same from the side of a member that is asked to sign.

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
