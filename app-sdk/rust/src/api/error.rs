//! The errors of the HTTP clients.

/// Why a request to a service failed.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The service could not be reached.
    #[error("{url}: {source}; is the service running and the address right?")]
    Unreachable {
        /// The URL that was requested.
        url: String,
        /// The cause.
        source: reqwest::Error,
    },
    /// The service refused the request.
    #[error("{url}: {status}: {message}")]
    Refused {
        /// The URL that was requested.
        url: String,
        /// HTTP status.
        status: u16,
        /// The service's message.
        message: String,
    },
    /// The service's answer is not in the expected shape.
    #[error("{url} answered in an unexpected shape: {reason}; do both sides have the same version?")]
    Shape {
        /// The URL that was requested.
        url: String,
        /// The cause.
        reason: String,
    },
}

impl ApiError {
    /// Whether a serving node still loads the model that was asked for.
    pub fn is_loading(&self) -> bool {
        matches!(self, Self::Refused { status: 503, .. })
    }
}
