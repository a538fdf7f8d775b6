//! OpenLedger payout program.
