//! Payments: fees for answers, and other payments into the pools.

use crate::amount::Amount;
use serde::{Deserialize, Serialize};

/// The parts of a fee, in base units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptRow {
    /// The request's name.
    pub request: String,
    /// The payer's wallet.
    pub payer: String,
    /// The model.
    pub model: String,
    /// The operator's wallet.
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
    pub signature: String,
    /// The signed answer from the artifact store. It is only in `GET /v1/receipts/{request}`, once there is an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<crate::receipt::Answer>,
}

/// `GET /v1/funding`: a payment into a pool that is not for an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Funding {
    /// `contributors` or `validators`.
    pub pool: String,
    /// The account that the payer says it is for.
    pub subject: String,
    /// The payer's wallet.
    pub payer: String,
    /// Amount in base units.
    pub amount: Amount,
    /// The payout epoch that it belongs to.
    pub epoch: u64,
    /// The training job whose data share it is. The job's signature proves it.
    pub job: Option<String>,
    /// That job's model.
    pub model: Option<String>,
    /// The shard that it was paid into.
    pub shard: String,
    /// Slot of the payment.
    pub slot: u64,
    /// Transaction of the payment.
    pub signature: String,
}
