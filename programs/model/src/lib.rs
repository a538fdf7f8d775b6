//! OpenLedger model program.
