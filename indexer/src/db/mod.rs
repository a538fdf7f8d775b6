//! Access to PostgreSQL: pools of connections, one schema, and rows as typed values.

mod beside;
mod database;
mod error;
mod migrate;

pub use beside::Beside;
pub use database::{Database, Params};
pub use error::DbError;
pub use migrate::SCHEMA;
