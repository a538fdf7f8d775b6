//! The governance program on the SVM: proposals, votes, execution, the guardian, and the programs under its authority.
// `&[queue.clone()]` beside `&[a, b]` reads as one list of instructions among others.
#![allow(clippy::cloned_ref_to_slice_refs)]

mod compute_units;
mod configuration;
mod execution;
mod guardian;
mod hand_over;
mod proposals;
mod upgrade;
mod votes;
