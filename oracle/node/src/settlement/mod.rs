//! Settles an epoch: finds what was answered, which documents shaped it, and what that is worth.
//!
//! [`due`] says which settlement is due. [`gather`] gathers the facts of an epoch, once. [`own_shares`] works out this member's own shares with [`influence`].
//! [`settle`] brings the members' observations together and posts what follows from them ([`outcome`], [`report`]).
//! [`approve`] checks the same at a member that is asked to sign.

mod answers;
mod approve;
mod columns;
mod due;
mod epoch;
mod expiry;
mod gather;
mod influence;
mod outcome;
mod own_shares;
mod proposal;
mod report;
mod settle;

pub use approve::Approval;
pub use due::Due;
pub use gather::Epochs;
pub use influence::Tools;
pub use own_shares::Observations;
pub use proposal::{Proposal, Question};
pub use settle::Settler;
