//! A throw-away PostgreSQL server for the demo and the tests, and PgBouncer in front of it. It is a real server from the machine's binaries, on a
//! free port of loopback. It starts in about two seconds, and ends with the value or the process that holds it.
//!
//! Nothing here is async, and nothing waits longer than a minute, so async code may call it too.
//!
//! ```no_run
//! let server = openledger_postgres::Postgres::start(None)?;
//! let url = server.create_database("indexer")?;
//! # Ok::<(), openledger_postgres::PostgresError>(())
//! ```

mod account;
mod binaries;
mod command;
mod error;
mod frozen;
mod keeper;
mod pooler;
mod server;

pub use error::PostgresError;
pub use frozen::Frozen;
pub use pooler::PgBouncer;
pub use server::Postgres;
