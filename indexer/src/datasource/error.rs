//! Why a transaction could not be taken over.

use crate::{db::DbError, ingest::IngestError};
use solana_client::{client_error::ClientErrorKind as ErrorKind, rpc_request::RpcError};

/// Why a transaction could not be stored.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The node does not answer, or it answers with an error.
    #[error("node: {0}")]
    Node(#[from] Box<solana_client::client_error::ClientError>),
    /// An account from the node could not be read.
    #[error("{0}")]
    Account(Box<openledger_sdk::SdkError>),
    /// The node lists the transaction but does not return it.
    #[error("the node lists transaction {0} but does not return it; it will be asked again")]
    Absent(String),
    /// A signature or an address, from the node or from an event, does not parse.
    #[error("the node names a signature that is none: {0}")]
    Signature(String),
    /// The node returns another transaction than the one that it was asked for.
    #[error("the node returns another transaction than {0}; it will be asked again")]
    Other(String),
    /// The transaction does not decode, because it or a program is newer than this indexer, or because the node withholds
    /// a part of it.
    #[error("transaction {signature}: {source}")]
    Decode {
        /// The transaction.
        signature: String,
        /// The decoder's error.
        source: openledger_sdk::events::EventError,
    },
    /// The database refuses.
    #[error(transparent)]
    Ingest(#[from] IngestError),
}

impl SourceError {
    /// Whether only what was asked for cannot be had, a transaction or one account's history, while the node and the
    /// database do their work.
    pub fn is_about_one_thing(&self) -> bool {
        match self {
            Self::Node(error) => {
                matches!(error.kind(), ErrorKind::RpcError(RpcError::RpcResponseError { .. }) | ErrorKind::SerdeJson(_))
            }
            Self::Absent(_) | Self::Other(_) | Self::Signature(_) | Self::Decode { .. } => true,
            Self::Ingest(IngestError::Conflict { .. }) => true,
            Self::Account(_) | Self::Ingest(IngestError::Db(_)) => false,
        }
    }
}

impl From<solana_client::client_error::ClientError> for SourceError {
    fn from(error: solana_client::client_error::ClientError) -> Self {
        Self::Node(Box::new(error))
    }
}

impl From<openledger_sdk::SdkError> for SourceError {
    fn from(error: openledger_sdk::SdkError) -> Self {
        Self::Account(Box::new(error))
    }
}

impl From<DbError> for SourceError {
    fn from(error: DbError) -> Self {
        Self::Ingest(error.into())
    }
}
