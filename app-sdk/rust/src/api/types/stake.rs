//! What stake is delegated, what was slashed, and what the insurance vault has to do with it.

use super::super::schema::{Address, Hash, Signature, SlashReason, SlashedRole, Uint128};
use crate::amount::Amount;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `GET /v1/pools`, `GET /v1/pools/{address}`: a pool, by which an operator takes delegations. What a share of it is worth
/// now, its account on chain says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StakePool {
    /// The account.
    #[schema(value_type = Address)]
    pub address: String,
    /// The operator's wallet.
    #[schema(value_type = Address)]
    pub operator: String,
    /// The operator's commission when it last set one, in basis points of the rewards.
    pub commission_bps: u16,
    /// Its commission from `commission_slot` on, in basis points.
    pub next_commission_bps: u16,
    /// First slot of that commission.
    pub commission_slot: u64,
    /// Rewards that were ever divided.
    pub rewards: Amount,
    /// What delegators could claim after the last division.
    pub owed: Amount,
    /// What was slashed of the delegations.
    pub slashed: Amount,
    /// Number of wallets that ever delegated.
    pub delegators: u64,
    /// Slot of its opening.
    pub created_slot: u64,
}

/// `GET /v1/delegations`, `GET /v1/delegations/{address}`: what a wallet has delegated to an operator, as its last change
/// left it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Delegation {
    /// The account.
    #[schema(value_type = Address)]
    pub address: String,
    /// The operator's wallet.
    #[schema(value_type = Address)]
    pub operator: String,
    /// The delegator's wallet.
    #[schema(value_type = Address)]
    pub owner: String,
    /// Its shares of what is bonded in the pool.
    #[schema(value_type = Uint128)]
    pub shares: String,
    /// Its shares of what is unbonding in the pool.
    #[schema(value_type = Uint128)]
    pub unbonding_shares: String,
    /// First slot in which what is unbonding can be withdrawn.
    pub unbond_slot: Option<u64>,
    /// Rewards that it has claimed.
    pub claimed: Amount,
    /// Slot of the first delegation.
    pub created_slot: u64,
}

/// `GET /v1/slashes`: stake that was taken away for a fault. It went to the insurance vault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Slash {
    /// The position or pool.
    #[schema(value_type = Address)]
    pub account: String,
    /// The wallet of the staker; of a pool: that of its operator.
    #[schema(value_type = Address)]
    pub owner: String,
    /// `operator`, `validator`, or `pool` for what others had delegated to an operator.
    #[schema(value_type = SlashedRole)]
    pub role: String,
    /// What was taken.
    pub amount: Amount,
    /// `equivocation`, `attested` or `authority`.
    #[schema(value_type = SlashReason)]
    pub reason: String,
    /// Names the evidence.
    #[schema(value_type = Hash)]
    pub evidence: String,
    /// Slot.
    pub slot: u64,
    /// Transaction.
    #[schema(value_type = Signature)]
    pub signature: String,
}

/// `GET /v1/insurance`: what the insurance vault took in by slashes, and what it paid. Bonds of rejected batches go there
/// too: how much is in it, its token account says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Insurance {
    /// All that was slashed.
    pub slashed: Amount,
    /// All that was paid out.
    pub paid: Amount,
}

/// `GET /v1/insurance/payments`: a payment out of the insurance vault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InsurancePayment {
    /// The token account that was paid.
    #[schema(value_type = Address)]
    pub to: String,
    /// What was paid.
    pub amount: Amount,
    /// Slot.
    pub slot: u64,
    /// Transaction.
    #[schema(value_type = Signature)]
    pub signature: String,
}
