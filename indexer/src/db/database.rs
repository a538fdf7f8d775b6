//! The indexer's database.

use super::migrate::{self, SCHEMA};
use openledger_database::{self as database, DbError, Settings};
use std::{ops::Deref, time::Duration};

/// Most connections at a time of whoever writes, and of those who only read.
const CONNECTIONS: usize = 12;
/// Most connections at a time of the artifact service.
const ARTIFACT_CONNECTIONS: usize = 6;
/// Most connections at a time of its looks and sweeps.
const LOOK_CONNECTIONS: usize = 2;

/// How long a reader's statement may take, from the wait for a connection to the last row. A database that does not answer
/// is told from one that does by this.
const READ_WITHIN: Duration = Duration::from_millis(1_500);

/// The indexer's database: a pool of connections, all in one schema.
#[derive(Clone)]
pub struct Database(database::Database);

impl Deref for Database {
    type Target = database::Database;

    fn deref(&self) -> &database::Database {
        &self.0
    }
}

impl Database {
    /// Connects and brings the schema up to date.
    pub async fn open(url: &str) -> Result<Self, DbError> {
        let database = Self::connect(url, SCHEMA).await?;
        migrate::up(&database, SCHEMA).await?;
        Ok(database)
    }

    /// Makes a pool of its own for those who only read, who then take no connection from whoever writes. The database
    /// itself refuses their writes, and ends their statements after a time. It does not connect yet.
    pub fn reader(url: &str) -> Result<Self, DbError> {
        let settings = Settings {
            schema: SCHEMA,
            name: "openledger-indexer-api",
            connections: CONNECTIONS,
            read_only: true,
            within: Some(READ_WITHIN),
            durable: false,
        };
        Ok(Self(database::Database::new(url, &settings)?))
    }

    /// Makes small pools of its own for the artifact service, which then takes no connection from whoever writes the index:
    /// the first for its requests, which wait for one another and whose statements end after a time, the second for what
    /// takes long. They do not connect yet.
    pub fn artifacts(url: &str) -> Result<[Self; 2], DbError> {
        let pool = |name, connections, within| {
            let settings = Settings { schema: SCHEMA, name, connections, read_only: false, within, durable: false };
            Ok::<_, DbError>(Self(database::Database::new(url, &settings)?))
        };
        Ok([
            pool("openledger-indexer-artifacts", ARTIFACT_CONNECTIONS, Some(READ_WITHIN))?,
            pool("openledger-indexer-looks", LOOK_CONNECTIONS, None)?,
        ])
    }

    /// Connects to `schema`, which need not exist.
    pub(super) async fn connect(url: &str, schema: &str) -> Result<Self, DbError> {
        let (name, connections) = ("openledger-indexer", CONNECTIONS);
        let settings = Settings { schema, name, connections, read_only: false, within: None, durable: false };
        Ok(Self(database::Database::connect(url, &settings).await?))
    }

    /// Lets the role of the URL `reader` read the index. It needs to be told again after a migration and after a swap.
    pub async fn admit(&self, reader: &str) -> Result<(), DbError> {
        let Some(role) = database::Database::role(reader)?.map(|role| role.replace('"', "\"\"")) else {
            return Ok(());
        };
        self.run(&format!(
            "GRANT USAGE ON SCHEMA {SCHEMA} TO \"{role}\"; GRANT SELECT ON ALL TABLES IN SCHEMA {SCHEMA} TO \"{role}\""
        ))
        .await
    }
}
