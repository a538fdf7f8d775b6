//! The datanet program on the SVM: contributions, review, access, authority.

mod access;
mod admin;
mod bulk;
mod compute_units;
mod configure;
mod contribute;
mod pause;
mod review;
