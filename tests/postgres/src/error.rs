//! Reasons why there is no PostgreSQL server.

use std::{io, path::PathBuf, time::Duration};

use thiserror::Error;

/// The reason why a server or a database could not be made.
#[derive(Debug, Error)]
pub enum PostgresError {
    /// PostgreSQL is not installed on this machine.
    #[error(
        "PostgreSQL was not found in $PG_BIN, /usr/lib/postgresql/*/bin or $PATH: install it (Debian, Ubuntu: \
         `apt-get install postgresql`), or set PG_BIN to the folder that holds `postgres` and `initdb`"
    )]
    NotInstalled,
    /// PgBouncer is not installed on this machine.
    #[error("PgBouncer was not found in $PATH or /usr/sbin: install it (Debian, Ubuntu: `apt-get install pgbouncer`)")]
    NoPooler,
    /// PG_BIN points at a folder without the server.
    #[error("PG_BIN is {0}, but there is no `postgres` and `initdb` in it: correct or unset it")]
    WrongPgBin(PathBuf),
    /// We are root, PostgreSQL refuses root, and there is no other account to become.
    #[error("PostgreSQL does not run as root, and there is neither an account `postgres` nor `nobody` to run it as")]
    NoAccount,
    /// The account that the server runs as cannot enter a folder on the way to its data.
    #[error(
        "the server runs as `{account}`, which may not enter {folder}: choose a data folder elsewhere, for example \
         under /var/tmp, or `chmod o+x` that folder"
    )]
    Unreachable {
        /// The account.
        account: String,
        /// The folder that is closed to it.
        folder: PathBuf,
    },
    /// A folder or file could not be made.
    #[error("cannot prepare {path}: {source}")]
    Prepare {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A program of PostgreSQL failed.
    #[error("{program} failed: {output}")]
    Failed {
        /// The program.
        program: &'static str,
        /// The end of its output.
        output: String,
    },
    /// A program of PostgreSQL took too long and was stopped.
    #[error("{program} did not finish within {limit:?}: is the machine overloaded?")]
    TimedOut {
        /// The program.
        program: &'static str,
        /// Its time limit.
        limit: Duration,
    },
    /// The database name would need quoting.
    #[error("`{0}` is no database name: use 1 to 63 of a-z, 0-9 and _, beginning with a letter")]
    DatabaseName(String),
}
