//! The schema's numbered migrations (`migrations/indexer/`), carried in the binary.

use openledger_database::{Database, DbError, migrate};

/// The schema that holds all tables and views of the indexer.
pub const SCHEMA: &str = "indexer";

mod embedded {
    refinery::embed_migrations!("../migrations/indexer");
}

/// Brings `schema` up to date.
pub async fn up(db: &Database, schema: &str) -> Result<(), DbError> {
    migrate(db, schema, &embedded::migrations::runner()).await
}
