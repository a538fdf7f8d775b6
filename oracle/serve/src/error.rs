//! Why a request is refused. Every text says what the client or the operator can do.

use openledger_sdk::api::serve::Quote;
use warp::http::StatusCode;

/// A refusal.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The request is malformed.
    #[error("{0}")]
    Bad(String),
    /// The model's account does not exist, is not ready or builds on another base model.
    #[error("model {model} cannot be served here: {reason}")]
    Model {
        /// The model's address, as the request gives it.
        model: String,
        /// The reason.
        reason: String,
    },
    /// The model is being loaded.
    #[error("model {model} is being loaded here: ask again in a few seconds")]
    Loading {
        /// The model's address.
        model: String,
    },
    /// The request is not paid for yet.
    #[error("this answer costs {} base units of OPEN; pay `quote.amount` with payout::pay for `quote.request`, then ask again with the headers X-Request-Id and X-Payment-Signature", .0.amount)]
    Unpaid(Box<Quote>),
    /// The payment that the request names does not pay for this request.
    #[error("payment refused: {0}")]
    Payment(String),
    /// There is nothing under the given name.
    #[error("{0}")]
    NotFound(String),
    /// Something failed at this node. The client is not at fault.
    #[error("{0}")]
    Internal(#[from] anyhow::Error),
}

impl ServeError {
    /// HTTP status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Bad(_) => StatusCode::BAD_REQUEST,
            Self::Model { .. } | Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Unpaid(_) | Self::Payment(_) => StatusCode::PAYMENT_REQUIRED,
            Self::Loading { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The body of the response, in the form that OpenAI clients expect.
    pub fn body(&self) -> serde_json::Value {
        let kind = match self {
            Self::Bad(_) => "invalid_request_error",
            Self::Model { .. } | Self::NotFound(_) => "not_found_error",
            Self::Unpaid(_) | Self::Payment(_) => "payment_required",
            Self::Loading { .. } | Self::Internal(_) => "server_error",
        };
        let mut body = serde_json::json!({ "error": { "message": self.to_string(), "type": kind } });
        if let Self::Unpaid(quote) = self {
            body["quote"] = serde_json::to_value(quote).unwrap_or_default();
        }
        body
    }
}
