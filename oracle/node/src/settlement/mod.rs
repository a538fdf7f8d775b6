//! Settles an epoch: adds up what its answers pay.
//!
//! [`due`] says which settlement is due. [`gather`] gathers what was paid, by the ledger alone. [`own_view`] says what
//! this member sees of the answers, and how far their receipts are from what it works out itself. [`verdict`] says what
//! follows from the members' views: which receipts hold. [`report`] adds them up. [`settle`] brings the members together
//! and posts the result. [`approve`] checks the same at a member that is asked to sign.

mod approve;
mod due;
mod expiry;
mod facts;
mod gather;
mod kept;
mod outcome;
mod own_view;
mod proposal;
mod question;
mod report;
mod settle;
mod verdict;
mod view;
mod well_formed;

pub use approve::Approval;
pub use due::Due;
pub use gather::Epochs;
pub use own_view::{Observations, Parts};
pub use proposal::Proposal;
pub use question::Question;
pub use settle::Settler;
