//! Why a service's answer could not be had.

/// Why a service's answer could not be had.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The service could not be reached.
    #[error("{url}: {source}; is the service running and the address right?")]
    Unreachable {
        /// What was asked.
        url: String,
        /// Why.
        source: reqwest::Error,
    },
    /// The service refused the request.
    #[error("{url}: {status}: {message}")]
    Refused {
        /// What was asked.
        url: String,
        /// HTTP status.
        status: u16,
        /// What it said.
        message: String,
    },
    /// The service's answer is not in the expected shape.
    #[error("{url} answered in an unexpected shape: {reason}; do both sides have the same version?")]
    Shape {
        /// What was asked.
        url: String,
        /// What does not fit.
        reason: String,
    },
}
