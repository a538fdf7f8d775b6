//! The one error type of the crate. Every variant names what is wrong and what to do about it.

/// `Result` with this crate's [`PayError`].
pub type Result<T, E = PayError> = std::result::Result<T, E>;

/// Why nothing can be divided.
#[derive(Debug, thiserror::Error)]
pub enum PayError {
    /// A setting is out of range.
    #[error("setting `{field}`: {reason}")]
    Setting {
        /// The setting's path, for example `clusters.near.rows`.
        field: &'static str,
        /// Why the value is refused and which values are allowed.
        reason: String,
    },
    /// The documents, or their gradients, do not fit each other.
    #[error("{0}")]
    Documents(String),
    /// Scores cannot be turned into shares.
    #[error("scores: {0}")]
    Scores(String),
}

impl PayError {
    pub(crate) fn setting(field: &'static str, reason: impl Into<String>) -> PayError {
        PayError::Setting { field, reason: reason.into() }
    }
}
