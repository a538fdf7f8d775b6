//! The model program on the SVM: registry, jobs, attested results.

mod attest;
mod compute_units;
mod job;
mod registry;
