//! The stake program on the SVM: positions, locks of votes, operators, committees, authority, pause.
// `&[pay.clone()]` beside `&[a, b]` reads as one list of instructions among others.
#![allow(clippy::cloned_ref_to_slice_refs)]

mod authority;
mod committee;
mod locks;
mod operators;
mod pause;
mod positions;
