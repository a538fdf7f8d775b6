//! OpenLedger datanet program.
anchor_lang::declare_id!("2Xk6uomGy9AKweSAZjB9FzPLyazWeD2nRMoE31qx2Eav");
