//! Operators and their committees.

use super::super::schema::{Address, Capability, CommitteeStatus, Hash};
use crate::amount::Amount;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `GET /v1/operators`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Operator {
    /// The operator account.
    #[schema(value_type = Address)]
    pub address: String,
    /// Its wallet.
    #[schema(value_type = Address)]
    pub owner: String,
    /// Its identity key.
    #[schema(value_type = Address)]
    pub identity: String,
    /// HTTP base URL.
    pub endpoint: String,
    /// `train`, `serve`, `attribute`.
    #[schema(value_type = Vec<Capability>)]
    pub capabilities: Vec<String>,
    /// Bonded stake.
    pub staked: Amount,
    /// Number of answers given.
    pub answers: u64,
    /// OPEN received for answering and training.
    pub earned: Amount,
}

/// `GET /v1/committees`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Committee {
    /// The committee account.
    #[schema(value_type = Address)]
    pub address: String,
    /// Its epoch.
    pub epoch: u64,
    /// `forming`, `confirming`, `active` or `retired`.
    #[schema(value_type = CommitteeStatus)]
    pub status: String,
    /// Number of members that must sign.
    pub threshold: u16,
    /// Number of members of the complete committee.
    pub size: u16,
    /// Group key in hex, once confirmed.
    #[schema(value_type = Option<Hash>)]
    pub group_key: Option<String>,
    /// Wallets of the members, in order.
    #[schema(value_type = Vec<Address>)]
    pub members: Vec<String>,
    /// Wallets of the members that have confirmed the group key.
    #[schema(value_type = Vec<Address>)]
    pub confirmed: Vec<String>,
    /// Slot of activation.
    pub active_slot: Option<u64>,
}
