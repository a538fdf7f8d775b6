//! The errors of the artifact store.

/// Why an artifact could not be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store cannot be used.
    #[error("the artifact store at {path} cannot be opened: {reason}")]
    Open {
        /// The folder or URL.
        path: String,
        /// The cause.
        reason: String,
    },
    /// There is no such artifact.
    #[error("the artifact store has no {key}")]
    Missing {
        /// Its key.
        key: String,
    },
    /// The bytes do not have the hash that names them.
    #[error("the artifact store's {key} holds bytes with hash {found}: it is damaged or forged")]
    Hash {
        /// Its key.
        key: String,
        /// The hash of the bytes that are there.
        found: String,
    },
    /// An artifact is longer than its reader takes.
    #[error("the artifact store's {key} has {found} bytes, and at most {most} are read")]
    Size {
        /// Its key.
        key: String,
        /// Its length.
        found: u64,
        /// The longest that is read.
        most: u64,
    },
    /// An artifact does not parse, or it belongs under another key.
    #[error("the artifact store's {key} is not readable: {reason}")]
    Content {
        /// Its key.
        key: String,
        /// The cause.
        reason: String,
    },
    /// The store failed.
    #[error("the artifact store failed: {0}")]
    Backend(object_store::Error),
}

impl StoreError {
    /// Whether the store has refused this wallet what another may do.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Backend(object_store::Error::PermissionDenied { .. }))
    }
}
