//! Requests to an artifact service, repeated where that can help.

use crate::api::types::ErrorBody;
use object_store::path::Path;
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url, header::RETRY_AFTER};
use std::time::Duration;

/// How long a connection may take to open.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// How long the service may say nothing.
const SILENCE: Duration = Duration::from_secs(60);
/// How often a request is sent before its failure counts.
pub const TRIES: u32 = 6;
/// Longest wait before a request is repeated.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// The name of this store in errors.
pub const NAME: &str = "artifact service";

/// A failure of an artifact service.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// It could not be reached, or the connection was cut.
    #[error("{url}: {}; is the artifact service running and the address right?", chain(.source))]
    Unreachable {
        /// The URL that was requested.
        url: String,
        /// The cause.
        source: reqwest::Error,
    },
    /// It refused the request.
    #[error("{url}: {status}: {message}")]
    Refused {
        /// The URL that was requested.
        url: String,
        /// HTTP status.
        status: StatusCode,
        /// The service's message.
        message: String,
    },
    /// Its answer is not what the protocol says.
    #[error("{url} answered in an unexpected way: {reason}; is it an artifact service?")]
    Shape {
        /// The URL that was requested.
        url: String,
        /// The cause.
        reason: String,
    },
    /// The store was opened without a wallet.
    #[error("{url} stores only what a wallet signs: name a wallet (`--keypair`)")]
    Unsigned {
        /// The URL that was to be requested.
        url: String,
    },
    /// The wallet did not sign.
    #[error("the wallet did not sign the permit to store: {0}")]
    Signing(#[from] solana_signer::SignerError),
}

/// The causes behind a failed request: what `reqwest` itself shows is only the outermost.
fn chain(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut next: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(cause) = next {
        text = cause.to_string();
        next = cause.source();
    }
    if text.is_empty() { error.to_string() } else { text }
}

impl ServiceError {
    /// Whether the same request may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused { status, .. } => {
                status.is_server_error()
                    || matches!(*status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
            }
            Self::Shape { .. } | Self::Unsigned { .. } | Self::Signing(_) => false,
        }
    }

    /// Whether the service would answer somebody who signs.
    pub fn asks_for_a_permit(&self) -> bool {
        matches!(self, Self::Refused { status, .. } if *status == StatusCode::UNAUTHORIZED)
    }

    /// The error as the object store's callers know it. `path` is the artifact.
    pub fn about(self, path: &Path) -> object_store::Error {
        let path = path.to_string();
        let status = match &self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        };
        let source = Box::new(self);
        match status {
            Some(StatusCode::NOT_FOUND) => object_store::Error::NotFound { path, source },
            Some(StatusCode::UNAUTHORIZED) => object_store::Error::Unauthenticated { path, source },
            Some(StatusCode::FORBIDDEN) => object_store::Error::PermissionDenied { path, source },
            Some(StatusCode::PRECONDITION_FAILED) => object_store::Error::Precondition { path, source },
            Some(StatusCode::NOT_MODIFIED) => object_store::Error::NotModified { path, source },
            _ => object_store::Error::Generic { store: NAME, source },
        }
    }
}

/// Sends requests to one service. It is cheap to clone.
#[derive(Clone, Debug)]
pub struct Caller {
    base: Url,
    http: reqwest::Client,
}

impl Caller {
    /// A caller of the service at `base`.
    pub fn new(base: &Url) -> Self {
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_WITHIN)
            .read_timeout(SILENCE)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap_or_default();
        Self { base: base.clone(), http }
    }

    /// The service's URL.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// The URL of `path` below the root of the artifacts.
    pub fn url(&self, path: &str) -> String {
        format!("{}/{}/{path}", self.base.as_str().trim_end_matches('/'), super::protocol::ROOT)
    }

    /// A request that is not sent yet.
    pub fn request(&self, method: Method, url: &str) -> RequestBuilder {
        self.http.request(method, url)
    }

    /// Sends what `make` makes. Repeats it after a failure that may pass. An answer that is no success is an error.
    pub async fn send(&self, url: &str, make: impl Fn() -> RequestBuilder) -> Result<Response, ServiceError> {
        let mut tried = 0;
        loop {
            tried += 1;
            let (error, wait) = match self.once(url, make()).await {
                Ok(response) => return Ok(response),
                Err(failed) => failed,
            };
            if tried >= TRIES || !error.is_transient() {
                return Err(error);
            }
            pause(tried, wait).await;
        }
    }

    /// Sends a request once. With an error comes how long the service wants to be left alone.
    pub async fn once(&self, url: &str, request: RequestBuilder) -> Result<Response, (ServiceError, Option<Duration>)> {
        let response = match request.send().await {
            Ok(response) => response,
            Err(source) => {
                return Err((ServiceError::Unreachable { url: url.into(), source: source.without_url() }, None));
            }
        };
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let wait = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let text = response.text().await.unwrap_or_default();
        let message = match serde_json::from_str::<ErrorBody>(&text) {
            Ok(body) => body.error,
            Err(_) => text.chars().filter(|c| !c.is_control()).take(200).collect(),
        };
        Err((ServiceError::Refused { url: url.into(), status, message }, wait.map(Duration::from_secs)))
    }
}

/// Waits before try number `tried` + 1: longer each time, or as long as the service asks for.
pub async fn pause(tried: u32, asked: Option<Duration>) {
    let wait = asked.unwrap_or(Duration::from_millis(100) * 2u32.saturating_pow(tried.min(10)));
    tokio::time::sleep(wait.min(LONGEST_WAIT)).await;
}
