//! Instructions of the payout program.

mod balances;
mod config;
mod payments;
mod settlements;

pub use balances::{debit_balance, deposit_balance, request_balance_withdrawal, withdraw_balance};
pub use config::{
    accept_authority, create_shard, initialize, pause, propose_authority, set_fees, set_parameters, sweep_dust,
};
pub use payments::{Payment, fund, pay};
pub use settlements::{
    activate_settlement, challenge_settlement, claim, expire_challenge, post_settlement, resolve_challenge,
};
