//! The artifact service's error answers.

use crate::db::DbError;
use openledger_sdk::{
    api::types::ErrorBody,
    store::{Key, protocol::OFFSET},
};
use warp::{
    http::{
        HeaderValue, StatusCode,
        header::{ALLOW, RETRY_AFTER},
    },
    reply::{Reply, Response},
};

/// A refusal: an HTTP status, and a sentence that says what is wrong and what to do.
#[derive(Debug)]
pub struct Refusal {
    pub(super) status: StatusCode,
    error: String,
    /// After how many seconds the same request may succeed.
    later: Option<u64>,
    /// How many bytes of the unfinished artifact the service holds.
    held: Option<u64>,
    /// The methods that there are instead.
    allow: Option<&'static str>,
}

impl Refusal {
    /// A refusal that stays one.
    pub fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self { status, error: error.into(), later: None, held: None, allow: None }
    }

    /// A refusal of a request that may succeed after some seconds.
    pub fn later(status: StatusCode, seconds: u64, error: impl Into<String>) -> Self {
        Self { later: Some(seconds), ..Self::new(status, error) }
    }

    /// 400: the request itself is wrong.
    pub fn bad(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    /// 403: this wallet may not do it.
    pub fn forbidden(error: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, error)
    }

    /// 404: there is no such artifact.
    pub fn absent(key: &Key) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("there is no {key} here"))
    }

    /// 405: there is no such method here, but those of `allow`.
    pub fn method(allow: &'static str) -> Self {
        let error = format!("there is no such method here: use one of {allow}");
        Self { allow: Some(allow), ..Self::new(StatusCode::METHOD_NOT_ALLOWED, error) }
    }

    /// 422: the bytes are not what they should be.
    pub fn content(error: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, error)
    }

    /// 409: the part does not follow on the `held` bytes that the service has.
    pub fn offset(held: u64, error: impl Into<String>) -> Self {
        Self { held: Some(held), ..Self::new(StatusCode::CONFLICT, error) }
    }

    /// 503: something that the service needs is not available now. The client learns no internals.
    pub fn unavailable(what: &str, error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "{what}");
        Self::later(StatusCode::SERVICE_UNAVAILABLE, 2, format!("{what} now: try again later"))
    }

    /// The HTTP response.
    pub fn into_response(self) -> Response {
        let status = self.status;
        let mut response =
            warp::reply::with_status(warp::reply::json(&ErrorBody { error: self.error, field: None }), status)
                .into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.later {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if let Some(held) = self.held {
            headers.insert(OFFSET, held.into());
        }
        if let Some(allow) = self.allow {
            headers.insert(ALLOW, HeaderValue::from_static(allow));
        }
        response
    }
}

impl From<DbError> for Refusal {
    fn from(error: DbError) -> Self {
        Self::unavailable("the database does not answer", &error)
    }
}

impl From<std::io::Error> for Refusal {
    fn from(error: std::io::Error) -> Self {
        Self::unavailable("the service cannot write its files", &error)
    }
}

impl From<object_store::Error> for Refusal {
    fn from(error: object_store::Error) -> Self {
        Self::unavailable("the store behind the service fails", &error)
    }
}
