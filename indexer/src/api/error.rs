//! The API's error answers.

use crate::db::DbError;
use openledger_sdk::{SdkError, api::types::ErrorBody, store::StoreError};
use warp::{
    http::StatusCode,
    reply::{Reply, Response},
};

/// A refusal: an HTTP status, and a sentence that says what is wrong and what to do.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    error: String,
}

impl Refusal {
    /// 400: the request itself is wrong.
    pub fn bad(error: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error: error.into() }
    }

    /// 404: the index holds no `what` named `name`.
    pub fn absent(what: &str, name: &str) -> Self {
        let error = format!("there is no {what} {name} in the index; if it is new, try again in a second");
        Self { status: StatusCode::NOT_FOUND, error }
    }

    /// 404: the API has no route for `path`.
    pub fn no_route(path: &str) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            error: format!("nothing is at {path}: see /openapi.json for what there is"),
        }
    }

    /// 405: the API only allows GET.
    pub fn method() -> Self {
        Self { status: StatusCode::METHOD_NOT_ALLOWED, error: "this API is only read: use GET".into() }
    }

    /// 503: something that the answer needs is not available now.
    pub fn unavailable(error: impl Into<String>) -> Self {
        Self { status: StatusCode::SERVICE_UNAVAILABLE, error: error.into() }
    }

    /// Turns the refusal into an HTTP response.
    pub fn into_response(self) -> Response {
        warp::reply::with_status(warp::reply::json(&ErrorBody { error: self.error }), self.status).into_response()
    }
}

impl From<DbError> for Refusal {
    fn from(error: DbError) -> Self {
        tracing::error!(%error, "an answer failed");
        match error {
            // A client can do nothing about an unreadable row, so the answer gives no internals.
            DbError::Row { .. } => Self {
                status: StatusCode::INTERNAL_SERVER_ERROR,
                error: "the index holds a row that this version cannot read: see the indexer's log".into(),
            },
            _ => Self::unavailable("the database does not answer now: try again later"),
        }
    }
}

impl From<SdkError> for Refusal {
    fn from(error: SdkError) -> Self {
        tracing::warn!(%error, "the node did not answer");
        Self::unavailable("the Solana node behind this indexer does not answer now: try again later")
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::unavailable(error.to_string())
    }
}
