//! Rust SDK: accounts, instructions, artifacts, receipts and proofs of OpenLedger.
