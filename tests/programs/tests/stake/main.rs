//! The stake program on the SVM: positions, operators, committees, authority.

mod authority;
mod committee;
mod operators;
mod positions;
