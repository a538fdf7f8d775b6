//! The stake program on the SVM: positions, operators, committees, authority.
// `&[pay.clone()]` beside `&[a, b]` reads as one list of instructions among others.
#![allow(clippy::cloned_ref_to_slice_refs)]

mod authority;
mod committee;
mod operators;
mod positions;
