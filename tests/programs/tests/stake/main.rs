//! The stake program on the SVM: positions, locks of votes, operators, committees, slashes, delegation, authority, pause.
// `&[pay.clone()]` beside `&[a, b]` reads as one list of instructions among others.
#![allow(clippy::cloned_ref_to_slice_refs)]

mod authority;
mod committee;
mod compute_units;
mod conservation;
mod delegation;
mod equivocation;
mod locks;
mod operators;
mod parameters;
mod pause;
mod positions;
mod rotation;
mod slashing;
