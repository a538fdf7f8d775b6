//! The datanet program on the SVM: contributions, review, access, authority.

mod admin;
mod compute_units;
mod contribute;
mod review;
