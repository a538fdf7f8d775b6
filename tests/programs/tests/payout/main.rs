//! The payout program on the SVM: configuration, payments, settlements and their attestation, claims.
// `&[pay.clone()]` beside `&[a, b]` reads as one list of instructions among others.
#![allow(clippy::cloned_ref_to_slice_refs)]

mod attestation;
mod balances;
mod challenges;
mod claims;
mod compute_units;
mod configuration;
mod conservation;
mod fund;
mod pause;
mod payments;
mod settlements;
mod sweeping;
