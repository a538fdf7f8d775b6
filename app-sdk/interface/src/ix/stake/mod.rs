//! Instructions of the stake program.

mod committees;
mod config;
mod delegation;
mod locks;
mod operators;
mod positions;
mod slashing;

pub use committees::{
    abandon_committee, add_members, confirm_committee, expire_committee, propose_committee, propose_next_committee,
    seat_members,
};
pub use config::{accept_authority, initialize, pause, pay_insurance, propose_authority, set_parameters};
pub use delegation::{
    claim_delegation_rewards, delegate, harvest, open_pool, set_commission, undelegate, withdraw_delegation,
};
pub use locks::{add_to_lock, delegate_votes, extend_lock, lock_votes, unlock_votes};
pub use operators::{register_operator, update_operator};
pub use positions::{deposit, request_unbond, withdraw};
pub use slashing::{prove_equivocation, slash_attested, slash_by_authority};
