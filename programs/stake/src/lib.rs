//! OpenLedger stake program.
