//! Access to PostgreSQL: the writers' pool and the readers', and the index's schema.

mod beside;
mod database;
mod migrate;

pub use beside::Beside;
pub use database::Database;
pub use migrate::SCHEMA;
pub use openledger_database::{DbError, Params, Row, Transaction};
