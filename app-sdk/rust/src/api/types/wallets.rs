//! All that concerns one wallet.

use crate::amount::Amount;
use serde::{Deserialize, Serialize};

/// `GET /v1/wallets/{wallet}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wallet {
    /// The wallet.
    pub address: String,
    /// OPEN in its own token account.
    pub balance: Amount,
    /// Lifetime earnings as a contributor, by the active settlement.
    pub earned_contributing: Amount,
    /// Lifetime earnings as a validator, by the active settlement.
    pub earned_validating: Amount,
    /// Received as a model's owner (upstream shares included).
    pub earned_models: Amount,
    /// Received for answering and training.
    pub earned_compute: Amount,
    /// Claimed from both pools.
    pub claimed: Amount,
    /// What claims would pay now.
    pub claimable: Amount,
    /// Staked as an operator.
    pub staked_operator: Amount,
    /// Staked as a validator.
    pub staked_validator: Amount,
    /// Accepted contributions.
    pub contributions: u64,
    /// Answers paid for.
    pub answers: u64,
    /// Sum paid for answers.
    pub spent: Amount,
}
