//! The API's error answers.

use crate::db::DbError;
use openledger_sdk::{SdkError, api::types::ErrorBody, store::StoreError};
use warp::{
    http::{
        HeaderValue, StatusCode,
        header::{ALLOW, CACHE_CONTROL, RETRY_AFTER},
    },
    reply::{Reply, Response},
};

/// The methods that the API allows, as the header `Allow` names them.
pub const METHODS: &str = "GET, HEAD, OPTIONS";

/// A refusal: an HTTP status, and a sentence that says what is wrong and what to do.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    error: String,
    field: Option<String>,
}

impl Refusal {
    fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self { status, error: error.into(), field: None }
    }

    /// 400: the request cannot be read.
    pub fn unreadable(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    /// 422: the value of `field` is wrong. A field is a parameter, or a part of the path.
    pub fn bad(field: &str, error: impl Into<String>) -> Self {
        Self { field: Some(field.to_owned()), ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, error) }
    }

    /// 404: the index holds no `what` named `name`.
    pub fn absent(what: &str, name: &str) -> Self {
        let error = format!("there is no {what} {name} in the index; if it is new, try again in a second");
        Self::new(StatusCode::NOT_FOUND, error)
    }

    /// 404: the API has no route for `path`.
    pub fn no_route(path: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("nothing is at {path}: see /openapi.json for what there is"))
    }

    /// 405: the API only allows reading.
    pub fn method() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "this API is only read: use GET or HEAD")
    }

    /// 503: something that the answer needs is not available now.
    pub fn unavailable(error: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error)
    }

    /// 503: the node does not answer.
    pub fn no_node() -> Self {
        Self::unavailable("the Solana node behind this indexer does not answer now: try again later")
    }

    /// Turns the refusal into an HTTP response.
    pub fn into_response(self) -> Response {
        let body = warp::reply::json(&ErrorBody { error: self.error, field: self.field });
        let mut response = warp::reply::with_status(body, self.status).into_response();
        let headers = response.headers_mut();
        match self.status {
            StatusCode::METHOD_NOT_ALLOWED => _ = headers.insert(ALLOW, HeaderValue::from_static(METHODS)),
            StatusCode::SERVICE_UNAVAILABLE => _ = headers.insert(RETRY_AFTER, HeaderValue::from_static("1")),
            _ => {}
        }
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

impl From<DbError> for Refusal {
    fn from(error: DbError) -> Self {
        tracing::error!(%error, "an answer failed");
        match error {
            // A client can do nothing about an unreadable row, so the answer gives no internals.
            DbError::Row { .. } => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the index holds a row that this version cannot read: see the indexer's log",
            ),
            _ => Self::unavailable("the database does not answer now: try again later"),
        }
    }
}

impl From<SdkError> for Refusal {
    fn from(error: SdkError) -> Self {
        tracing::warn!(%error, "the node did not answer");
        Self::no_node()
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::unavailable(error.to_string())
    }
}
