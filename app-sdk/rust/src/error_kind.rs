//! The kinds of failures, by which a program that calls this crate decides what to do next.

use crate::{
    api::ApiError,
    store::{StoreCause, StoreError},
};

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
    /// A transaction was sent, and it is not known whether it was executed.
    Unknown,
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
            Self::Unknown => "unknown",
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
            StoreError::Open { .. } => Self::Input,
            StoreError::Missing { .. } => Self::NotFound,
            StoreError::Hash { .. } | StoreError::Content { .. } | StoreError::Size { .. } => Self::Untrusted,
            StoreError::Backend(_) => match error.cause() {
                StoreCause::Unreachable => Self::Unreachable,
                StoreCause::Refused => Self::Refused,
                StoreCause::Missing => Self::NotFound,
                StoreCause::Unsigned => Self::Input,
                StoreCause::Other => Self::Failed,
            },
        }
    }
}
