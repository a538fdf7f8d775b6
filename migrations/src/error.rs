//! What can go wrong with the database.

use rustls::{CertificateError, Error as TlsError};
use std::{error::Error, path::PathBuf};

/// What can go wrong with the database.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The URL does not parse.
    #[error("what was given is not a PostgreSQL URL ({reason}); write postgres://USER[:PASSWORD]@HOST:PORT/DATABASE")]
    Url {
        /// The parser's message.
        reason: String,
    },
    /// The certificates to trust cannot be read.
    #[error("sslrootcert: {file}: {reason}")]
    Certificates {
        /// The file.
        file: PathBuf,
        /// The cause's message.
        reason: String,
    },
    /// The server or the database is absent, or access is denied.
    #[error("cannot use PostgreSQL at {url}: {reason}")]
    Connect {
        /// User, hosts, ports and database.
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
    /// A statement took too long.
    #[error("database: no answer within {0:?}")]
    Late(std::time::Duration),
    /// Somebody else does what only one may do at a time.
    #[error("{0}")]
    Busy(&'static str),
    /// The lock of what only one may do at a time was lost.
    #[error("the connection that keeps others away has ended ({0}): all is as it was before, so begin again")]
    Unlocked(String),
    /// The pool gave no connection.
    #[error("database connection: {0}")]
    Pool(String),
    /// A parameter of a statement has a type that no column here has.
    #[error("parameter ${place} of `{statement}` has a type that no column has")]
    Parameter {
        /// Its number, from 1.
        place: usize,
        /// The statement.
        statement: String,
    },
    /// A statement that gives one row gave another number of rows.
    #[error("`{statement}` gave {rows} rows, not one")]
    Rows {
        /// The statement.
        statement: String,
        /// How many rows it gave.
        rows: usize,
    },
    /// A row does not have the shape of its type, because the schema and the types disagree.
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
            deadpool_postgres::PoolError::Timeout(deadpool_postgres::TimeoutType::Wait) => {
                Self::Pool("all are in use, and none became free".into())
            }
            deadpool_postgres::PoolError::Timeout(_) => Self::Pool("the server does not answer".into()),
            error => Self::Pool(error.to_string()),
        }
    }
}

/// The cause below tokio-postgres's terse "db error", and for a refused certificate what to do about it.
pub(crate) fn describe(error: &tokio_postgres::Error) -> String {
    if let Some(refused) = certificate(error) {
        return refused;
    }
    match (error.as_db_error(), error.source()) {
        (Some(db), _) => format!("{} ({})", db.message(), db.code().code()),
        (None, Some(cause)) => format!("{error}: {cause}"),
        (None, None) => error.to_string(),
    }
}

/// Why the server's certificate is refused, if that is the cause.
fn certificate(error: &tokio_postgres::Error) -> Option<String> {
    let io = error.source()?.downcast_ref::<std::io::Error>()?;
    let TlsError::InvalidCertificate(refused) = io.get_ref()?.downcast_ref::<TlsError>()? else { return None };
    let remedy = match refused {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "name the file with the certificate of the authority that signed it as sslrootcert=FILE in the URL"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "use the host name that the certificate is for, or sslmode=verify-ca"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "renew it on the server",
        _ => "give the server another certificate",
    };
    Some(format!("the server's certificate is refused ({refused}): {remedy}"))
}
