//! Payments: fees for answers, and what else is paid into the pools.

use crate::amount::Amount;
use serde::{Deserialize, Serialize};

/// How a fee was divided.
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

/// `GET /v1/receipts`, and with the answer `GET /v1/receipts/{request}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptRow {
    /// The request's name.
    pub request: String,
    /// Who paid.
    pub payer: String,
    /// The model.
    pub model: String,
    /// The operator's wallet.
    pub operator: String,
    /// The whole fee.
    pub amount: Amount,
    /// How it was divided.
    pub parts: FeeParts,
    /// The payout epoch that it belongs to.
    pub epoch: u64,
    /// Slot of the payment.
    pub slot: u64,
    /// Transaction of the payment.
    pub signature: String,
    /// The signed answer from the artifact store: only in `GET /v1/receipts/{request}`, and once answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<crate::receipt::Answer>,
}

/// `GET /v1/funding`: a payment into a pool that is no answer's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Funding {
    /// `contributors` or `validators`.
    pub pool: String,
    /// What it is for, in the payer's words.
    pub subject: String,
    /// Who paid.
    pub payer: String,
    /// Base units.
    pub amount: Amount,
    /// The payout epoch that it belongs to.
    pub epoch: u64,
    /// The training job whose data share it is, proven by the job's signature.
    pub job: Option<String>,
    /// That job's model.
    pub model: Option<String>,
    /// The shard that took it.
    pub shard: String,
    /// Slot of the payment.
    pub slot: u64,
    /// Transaction of the payment.
    pub signature: String,
}
