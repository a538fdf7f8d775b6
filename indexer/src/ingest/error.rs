//! Why a transaction was not stored.

use crate::db::DbError;

/// Why a transaction was not stored.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The database refused.
    #[error(transparent)]
    Db(#[from] DbError),
    /// Another transaction holds the same event number. At least one of the two is of a fork that the cluster left.
    #[error("event {sequence} of {subject} is already there from transaction {stored}")]
    Conflict {
        /// The subject account.
        subject: String,
        /// The event number.
        sequence: u64,
        /// Signature of the transaction that holds it.
        stored: String,
    },
}
