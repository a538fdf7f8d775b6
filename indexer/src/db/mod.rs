//! Access to PostgreSQL: one connection pool, one schema, and rows as typed values.

mod database;
mod error;
mod migrate;

pub use database::{Database, Params};
pub use error::DbError;
pub use migrate::SCHEMA;
