//! Payments: fees for answers, and other payments into the pools.

use super::super::schema::{Address, Hash, RewardPool, Signature};
use crate::amount::Amount;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The parts of a fee, in base units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FeeParts {
    /// Part of the treasury.
    pub treasury: Amount,
    /// Part of the model's owner.
    pub model_owner: Amount,
    /// Part of the parent model's owner.
    pub upstream: Amount,
    /// Part of the operator.
    pub compute: Amount,
    /// Part of the validators' pool.
    pub validators: Amount,
    /// Part of the contributors' pool.
    pub contributors: Amount,
}

/// `GET /v1/receipts`, and, with the answer, `GET /v1/receipts/{request}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReceiptRow {
    /// The request's name.
    #[schema(value_type = Hash)]
    pub request: String,
    /// The payer's wallet.
    #[schema(value_type = Address)]
    pub payer: String,
    /// The model.
    #[schema(value_type = Address)]
    pub model: String,
    /// The operator's wallet.
    #[schema(value_type = Address)]
    pub operator: String,
    /// The whole fee.
    pub amount: Amount,
    /// The parts of the fee.
    pub parts: FeeParts,
    /// The payout epoch that it belongs to.
    pub epoch: u64,
    /// Slot of the payment.
    pub slot: u64,
    /// Transaction of the payment.
    #[schema(value_type = Signature)]
    pub signature: String,
    /// The signed answer from the artifact store. It is only in `GET /v1/receipts/{request}`, once there is an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<crate::receipt::Answer>,
}

/// `GET /v1/funding`: a payment into a pool that is not for an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Funding {
    /// `contributors` or `validators`.
    #[schema(value_type = RewardPool)]
    pub pool: String,
    /// The account that the payer says it is for.
    #[schema(value_type = Address)]
    pub subject: String,
    /// The payer's wallet.
    #[schema(value_type = Address)]
    pub payer: String,
    /// Amount in base units.
    pub amount: Amount,
    /// The payout epoch that it belongs to.
    pub epoch: u64,
    /// The training job whose data share it is. The job's signature proves it.
    #[schema(value_type = Option<Address>)]
    pub job: Option<String>,
    /// That job's model.
    #[schema(value_type = Option<Address>)]
    pub model: Option<String>,
    /// The shard that it was paid into.
    #[schema(value_type = Address)]
    pub shard: String,
    /// Slot of the payment.
    pub slot: u64,
    /// Transaction of the payment.
    #[schema(value_type = Signature)]
    pub signature: String,
}

/// `GET /v1/balances`, `GET /v1/balances/{address}`: OPEN that a wallet has paid ahead, as its last change left it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Balance {
    /// The account.
    #[schema(value_type = Address)]
    pub address: String,
    /// The wallet.
    #[schema(value_type = Address)]
    pub owner: String,
    /// What is there now.
    pub amount: Amount,
    /// What was ever used of it.
    pub debited: Amount,
    /// What of it is asked back.
    pub withdrawing: Amount,
    /// First slot in which that can be withdrawn, if something is asked back.
    pub withdraw_slot: Option<u64>,
    /// Slot of the first deposit.
    pub created_slot: u64,
}
