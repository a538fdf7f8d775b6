//! The HTTP APIs of the indexer and of serving nodes: shapes of their answers, and clients.

mod client;
pub mod serve;
pub mod types;

pub use client::IndexerClient;
pub use serve::ServeClient;

/// Why a service's answer could not be had.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// It could not be reached.
    #[error("{url}: {source}; is the service running and the address right?")]
    Unreachable {
        /// What was asked.
        url: String,
        /// Why.
        source: reqwest::Error,
    },
    /// It refused.
    #[error("{url}: {status}: {message}")]
    Refused {
        /// What was asked.
        url: String,
        /// HTTP status.
        status: u16,
        /// What it said.
        message: String,
    },
    /// Its answer is not in the expected shape.
    #[error("{url} answered in an unexpected shape: {reason}; do both sides have the same version?")]
    Shape {
        /// What was asked.
        url: String,
        /// What does not fit.
        reason: String,
    },
}
