//! The errors of the artifact store.

use super::service::ServiceError;
use object_store::client::{HttpError, HttpErrorKind};
use std::error::Error;

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

/// What was behind the failure of a store, as far as that tells what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreCause {
    /// The service that keeps it cannot be reached, or it is down.
    Unreachable,
    /// The service that keeps it refused.
    Refused,
    /// There is no such artifact.
    Missing,
    /// No wallet was named that signs what is to be stored.
    Unsigned,
    /// Anything else, such as a full disk.
    Other,
}

impl StoreError {
    /// Whether the store has refused this wallet what another may do.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Backend(object_store::Error::PermissionDenied { .. }))
    }

    /// Returns what was behind it: that of the first cause that is known.
    pub fn cause(&self) -> StoreCause {
        let error = match self {
            Self::Backend(error) => error,
            Self::Missing { .. } => return StoreCause::Missing,
            _ => return StoreCause::Other,
        };
        match error {
            object_store::Error::NotFound { .. } => return StoreCause::Missing,
            object_store::Error::Unauthenticated { .. } => return StoreCause::Refused,
            object_store::Error::PermissionDenied { .. } if !is_of_this_machine(error) => return StoreCause::Refused,
            _ => {}
        }
        causes(error).find_map(known).unwrap_or(StoreCause::Other)
    }
}

/// An error and what is behind it.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |e| (*e).source())
}

/// Whether a folder of this machine failed, and no service.
fn is_of_this_machine(error: &object_store::Error) -> bool {
    let own = |e: &(dyn Error + 'static)| e.is::<ServiceError>() || e.is::<HttpError>();
    causes(error).any(|e| e.is::<std::io::Error>()) && !causes(error).any(own)
}

fn known(error: &(dyn Error + 'static)) -> Option<StoreCause> {
    if let Some(service) = error.downcast_ref::<ServiceError>() {
        return Some(match service {
            ServiceError::Unsigned { .. } => StoreCause::Unsigned,
            ServiceError::Shape { .. } | ServiceError::Signing(_) => StoreCause::Other,
            passes if passes.is_transient() => StoreCause::Unreachable,
            ServiceError::Unreachable { .. } | ServiceError::Refused { .. } => StoreCause::Refused,
        });
    }
    let kind = error.downcast_ref::<HttpError>()?.kind();
    let lost = [HttpErrorKind::Connect, HttpErrorKind::Request, HttpErrorKind::Timeout, HttpErrorKind::Interrupted];
    lost.contains(&kind).then_some(StoreCause::Unreachable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error_kind::ErrorKind;
    use object_store::path::Path;
    use reqwest::StatusCode;

    #[tokio::test]
    async fn a_store_that_failed_has_the_kind_of_its_cause() {
        let url = || "http://127.0.0.1:9/v1/artifacts/blobs/x".to_owned();
        let refused = |status| ServiceError::Refused { url: url(), status, message: "no".into() };
        let source = reqwest::get(url()).await.unwrap_err();
        for (error, kind) in [
            (ServiceError::Unreachable { url: url(), source }, ErrorKind::Unreachable),
            (refused(StatusCode::SERVICE_UNAVAILABLE), ErrorKind::Unreachable),
            (refused(StatusCode::PAYMENT_REQUIRED), ErrorKind::Refused),
            (refused(StatusCode::FORBIDDEN), ErrorKind::Refused),
            (refused(StatusCode::UNAUTHORIZED), ErrorKind::Refused),
            (refused(StatusCode::NOT_FOUND), ErrorKind::NotFound),
            (ServiceError::Unsigned { url: url() }, ErrorKind::Input),
        ] {
            let told = error.to_string();
            let error = StoreError::Backend(error.about(&Path::from("blobs/x")));
            assert_eq!(ErrorKind::from(&error), kind, "{told}");
        }
        let io = || std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        let cut = HttpError::new(HttpErrorKind::Connect, io());
        let bucket = object_store::Error::Generic { store: "S3", source: Box::new(cut) };
        assert_eq!(ErrorKind::from(&StoreError::Backend(bucket)), ErrorKind::Unreachable);
        let folder = object_store::Error::PermissionDenied { path: "x".into(), source: Box::new(io()) };
        assert_eq!(ErrorKind::from(&StoreError::Backend(folder)), ErrorKind::Failed);
        let open = StoreError::Open { path: "ftp://x".into(), reason: "no".into() };
        assert_eq!(ErrorKind::from(&open), ErrorKind::Input);
    }
}
