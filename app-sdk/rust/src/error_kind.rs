//! The kinds of failures, by which a program that calls this crate decides what to do next.

use crate::{api::ApiError, store::StoreError};

/// The kind of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// What the caller gave is wrong.
    Input,
    /// Something that was named does not exist.
    NotFound,
    /// A node or a service cannot be reached.
    Unreachable,
    /// A program, the runtime or a service refused.
    Refused,
    /// A wallet has too little SOL or OPEN.
    Funds,
    /// A deadline passed while something was awaited.
    TimedOut,
    /// A payment was made and no answer came.
    Unanswered,
    /// A proof, a receipt, a quote or an artifact does not hold.
    Untrusted,
    /// Anything else, such as a file that cannot be written.
    Failed,
}

impl ErrorKind {
    /// Its name for programs, which does not change between releases.
    pub fn code(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::NotFound => "not_found",
            Self::Unreachable => "unreachable",
            Self::Refused => "refused",
            Self::Funds => "funds",
            Self::TimedOut => "timed_out",
            Self::Unanswered => "unanswered",
            Self::Untrusted => "untrusted",
            Self::Failed => "failed",
        }
    }
}

impl From<&ApiError> for ErrorKind {
    fn from(error: &ApiError) -> Self {
        match error {
            ApiError::Unreachable { .. } => Self::Unreachable,
            ApiError::Refused { status: 404, .. } => Self::NotFound,
            ApiError::Refused { .. } => Self::Refused,
            _ => Self::Failed,
        }
    }
}

impl From<&StoreError> for ErrorKind {
    fn from(error: &StoreError) -> Self {
        match error {
            StoreError::Missing { .. } => Self::NotFound,
            StoreError::Hash { .. } | StoreError::Content { .. } | StoreError::Size { .. } => Self::Untrusted,
            _ => Self::Failed,
        }
    }
}
