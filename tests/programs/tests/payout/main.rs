//! The payout program on the SVM: configuration, payments, settlements and their attestation, claims.

mod attestation;
mod claims;
mod compute_units;
mod configuration;
mod conservation;
mod payments;
mod settlements;
