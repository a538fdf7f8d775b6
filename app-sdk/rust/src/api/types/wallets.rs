//! The summary of one wallet.

use super::super::schema::Address;
use crate::amount::Amount;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `GET /v1/wallets/{wallet}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Wallet {
    /// The wallet.
    #[schema(value_type = Address)]
    pub address: String,
    /// OPEN in its own token account.
    pub balance: Amount,
    /// Lifetime earnings as a contributor, according to the active settlement.
    pub earned_contributing: Amount,
    /// Lifetime earnings as a validator, according to the active settlement.
    pub earned_validating: Amount,
    /// OPEN received as an owner of models, upstream shares included.
    pub earned_models: Amount,
    /// OPEN received for answering and training.
    pub earned_compute: Amount,
    /// OPEN claimed from both pools.
    pub claimed: Amount,
    /// OPEN that claims would pay now.
    pub claimable: Amount,
    /// OPEN staked as an operator.
    pub staked_operator: Amount,
    /// OPEN staked as a validator.
    pub staked_validator: Amount,
    /// Number of accepted contributions.
    pub contributions: u64,
    /// Number of answers that the wallet paid for.
    pub answers: u64,
    /// OPEN paid for answers.
    pub spent: Amount,
}
