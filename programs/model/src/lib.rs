//! OpenLedger model program.
anchor_lang::declare_id!("G7H1ik1rdSNfm7xDyRsET1HXNcVj5qRYDuWQRu1RW11z");
