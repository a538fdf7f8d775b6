//! What can go wrong with the database.

use std::error::Error as _;

/// What can go wrong with the database.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The URL does not parse.
    #[error("`{url}` is not a PostgreSQL URL ({reason}); write postgres://USER[:PASSWORD]@HOST:PORT/DATABASE")]
    Url {
        /// The URL as given, without its password.
        url: String,
        /// The parser's message.
        reason: String,
    },
    /// The server or the database is absent, or access is denied.
    #[error("cannot use PostgreSQL at {url}: {reason}")]
    Connect {
        /// The URL as given, without its password.
        url: String,
        /// The cause's message.
        reason: String,
    },
    /// The schema could not be brought up to date.
    #[error("cannot migrate the database: {0}")]
    Migrate(String),
    /// A statement failed.
    #[error("database: {}", describe(.0))]
    Query(#[from] tokio_postgres::Error),
    /// A reader's statement took too long.
    #[error("database: no answer within {0:?}")]
    Late(std::time::Duration),
    /// Another process reads the ledger again.
    #[error("another `resync` of this database runs: wait until it ends")]
    Resyncing,
    /// The pool gave no connection.
    #[error("database connection: {0}")]
    Pool(String),
    /// A row does not have the shape of its type, because the views and the types disagree.
    #[error("a row of `{query}` is not as expected: {source}")]
    Row {
        /// The statement.
        query: String,
        /// The JSON error.
        source: serde_json::Error,
    },
}

impl DbError {
    /// Whether the server refuses the values of a statement, and not the statement or the moment: the same values will be
    /// refused again, and others will not.
    pub fn is_about_content(&self) -> bool {
        /// Classes of SQLSTATE: values that are none, values that break a constraint, and values that are too large.
        const CLASSES: [&str; 3] = ["22", "23", "54"];
        let Self::Query(error) = self else { return false };
        error.code().is_some_and(|state| CLASSES.iter().any(|class| state.code().starts_with(class)))
    }
}

impl From<deadpool_postgres::PoolError> for DbError {
    fn from(error: deadpool_postgres::PoolError) -> Self {
        match error {
            deadpool_postgres::PoolError::Backend(error) => Self::Query(error),
            error => Self::Pool(error.to_string()),
        }
    }
}

/// The cause below tokio-postgres's terse "db error".
pub(super) fn describe(error: &tokio_postgres::Error) -> String {
    match (error.as_db_error(), error.source()) {
        (Some(db), _) => format!("{} ({})", db.message(), db.code().code()),
        (None, Some(cause)) => format!("{error}: {cause}"),
        (None, None) => error.to_string(),
    }
}
