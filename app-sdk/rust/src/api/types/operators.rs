//! Operators and their committees.

use crate::amount::Amount;
use serde::{Deserialize, Serialize};

/// `GET /v1/operators`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operator {
    /// The operator account.
    pub address: String,
    /// Its wallet.
    pub owner: String,
    /// Its identity key.
    pub identity: String,
    /// HTTP base URL.
    pub endpoint: String,
    /// `train`, `serve`, `attribute`.
    pub capabilities: Vec<String>,
    /// Bonded stake.
    pub staked: Amount,
    /// Number of answers given.
    pub answers: u64,
    /// OPEN received for answering and training.
    pub earned: Amount,
}

/// `GET /v1/committees`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Committee {
    /// The committee account.
    pub address: String,
    /// Its epoch.
    pub epoch: u64,
    /// `forming`, `confirming`, `active` or `retired`.
    pub status: String,
    /// Number of members that must sign.
    pub threshold: u16,
    /// Number of members of the complete committee.
    pub size: u16,
    /// Group key in hex, once confirmed.
    pub group_key: Option<String>,
    /// Wallets of the members, in order.
    pub members: Vec<String>,
    /// Wallets of the members that have confirmed the group key.
    pub confirmed: Vec<String>,
    /// Slot of activation.
    pub active_slot: Option<u64>,
}
