//! The model program on the SVM: registry, jobs, attested results.

mod attest;
mod committee;
mod compute_units;
mod data_share;
mod exit;
mod heartbeat;
mod job;
mod pause;
mod registry;
