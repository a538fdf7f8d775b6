//! The connection to an operator's schema, its tables, and the stored form of values.

use openledger_database::{Database, Settings, migrate};
use serde::{Serialize, de::DeserializeOwned};

use crate::error::{Error, Result};

/// Most connections of an operator at a time.
const CONNECTIONS: usize = 8;

mod embedded {
    refinery::embed_migrations!("../../migrations/oracle");
}

/// Connections to one operator's schema.
#[derive(Clone)]
pub struct Store {
    pub(super) db: Database,
}

impl Store {
    /// Connects to `url`, creates `schema` if it does not exist, and brings its tables up to date (all of
    /// `migrations/oracle`).
    pub async fn connect(url: &str, schema: &str) -> Result<Self> {
        check_schema(schema)?;
        let (name, connections) = ("openledger-oracle", CONNECTIONS);
        // What a member has said must outlive a power cut, also where the server is set to lose the last moment in one.
        let settings = Settings { schema, name, connections, read_only: false, within: None, durable: true };
        let db = Database::connect(url, &settings).await?;
        migrate(&db, schema, &embedded::migrations::runner()).await?;
        Ok(Self { db })
    }

    /// Connections for the node's own tables in the same schema.
    pub fn database(&self) -> &Database {
        &self.db
    }
}

/// Checks a schema's name, because the name goes into SQL as it is.
fn check_schema(schema: &str) -> Result<()> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let starts = |c: char| c.is_ascii_lowercase() || c == '_';
    if schema.len() <= 63 && schema.chars().all(good) && schema.starts_with(starts) {
        return Ok(());
    }
    Err(Error::Setup(format!("schema name {schema:?}: use a-z, 0-9 and _, not a digit first, at most 63")))
}

/// Reads a value that is stored as JSON text. If it cannot be read, the error names it `what`.
pub(crate) fn from_json<T: DeserializeOwned>(text: &str, what: &'static str) -> Result<T> {
    serde_json::from_str(text).map_err(|_| Error::Corrupt { what })
}

/// The JSON text that a value is stored as.
pub(crate) fn to_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|e| Error::Setup(format!("cannot write JSON: {e}")))
}

/// The number as PostgreSQL stores it, which has no unsigned integers. Epochs, sequences and slots never come near
/// 2^63.
pub(super) fn signed(value: u64, what: &'static str) -> Result<i64> {
    i64::try_from(value).map_err(|_| Error::Setup(format!("{what} {value} is beyond 2^63 - 1")))
}

pub(super) fn array<const N: usize>(bytes: Vec<u8>, what: &'static str) -> Result<[u8; N]> {
    bytes.try_into().map_err(|_| Error::Corrupt { what })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_name_cannot_smuggle_sql() {
        assert!(check_schema("operator_1").is_ok());
        for bad in ["", "1a", "a;drop", "A", "a b", "a\"", &"a".repeat(64)] {
            assert!(check_schema(bad).is_err(), "{bad}");
        }
    }
}
