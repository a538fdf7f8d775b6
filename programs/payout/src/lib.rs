//! OpenLedger payout program.
anchor_lang::declare_id!("3hCdSRqgsJcTeb6RhuvN9J7NJDE78jPG5vGqJTnJf9PE");
