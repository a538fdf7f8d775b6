//! OpenLedger datanet program.
