//! A throw-away PostgreSQL server for the demo and the tests: a real one, from the binaries of the machine, on a free
//! port of loopback, started in about two seconds and gone with the value or the process that holds it.
//!
//! Nothing here is async and nothing waits longer than a minute, so it may be called from async code as well.
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
mod keeper;
mod server;

pub use error::PostgresError;
pub use server::Postgres;
