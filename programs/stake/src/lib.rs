//! OpenLedger stake program.
anchor_lang::declare_id!("78qB7XbfuMAJ43kPzbRnyQxvRcPwXRAkheyLMAH9W8Jw");
