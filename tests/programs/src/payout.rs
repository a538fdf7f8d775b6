//! The payout program in tests.
