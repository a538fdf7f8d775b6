//! The pool of connections, and rows as typed values.

use super::{
    error::{DbError, describe},
    migrate::{self, SCHEMA},
};
use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod};
use serde::de::DeserializeOwned;
use tokio_postgres::{NoTls, types::ToSql};

/// Most connections at a time.
const CONNECTIONS: usize = 12;

/// A query's parameters.
pub type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// The indexer's database.
#[derive(Clone)]
pub struct Database {
    pool: Pool,
}

impl Database {
    /// Connects and brings the schema up to date.
    pub async fn open(url: &str) -> Result<Self, DbError> {
        let database = Self::connect(url).await?;
        migrate::up(database.client().await?).await?;
        Ok(database)
    }

    /// Drops the indexer's schema with everything in it and creates it again.
    pub async fn recreate(url: &str) -> Result<Self, DbError> {
        let database = Self::connect(url).await?;
        database.client().await?.batch_execute(&format!("DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")).await?;
        migrate::up(database.client().await?).await?;
        Ok(database)
    }

    async fn connect(url: &str) -> Result<Self, DbError> {
        let shown = without_password(url);
        let mut config: tokio_postgres::Config = url
            .parse()
            .map_err(|e: tokio_postgres::Error| DbError::Url { url: shown.clone(), reason: describe(&e) })?;
        config.options(format!("-c search_path={SCHEMA}")).application_name("openledger-indexer");
        config.connect_timeout(std::time::Duration::from_secs(10));
        let manager = Manager::from_config(config, NoTls, ManagerConfig { recycling_method: RecyclingMethod::Fast });
        let pool = Pool::builder(manager).max_size(CONNECTIONS).build().map_err(|e| DbError::Pool(e.to_string()))?;
        let database = Self { pool };
        match database.client().await {
            Ok(_) => Ok(database),
            Err(DbError::Query(e)) => Err(DbError::Connect { url: shown, reason: describe(&e) }),
            Err(e) => Err(DbError::Connect { url: shown, reason: e.to_string() }),
        }
    }

    /// A connection of the pool.
    pub async fn client(&self) -> Result<Object, DbError> {
        Ok(self.pool.get().await?)
    }

    /// Returns all rows of `query`. Each row is read from its JSON form, so its columns must be the fields of `T`.
    pub async fn rows<T: DeserializeOwned>(&self, query: &str, params: Params<'_>) -> Result<Vec<T>, DbError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(&format!("SELECT to_jsonb(r) FROM ({query}) r")).await?;
        let rows = client.query(&statement, params).await?;
        rows.iter()
            .map(|row| {
                serde_json::from_value(row.get(0)).map_err(|source| DbError::Row { query: query.into(), source })
            })
            .collect()
    }

    /// Returns the first row of `query`, or `None` if there is none.
    pub async fn row<T: DeserializeOwned>(&self, query: &str, params: Params<'_>) -> Result<Option<T>, DbError> {
        Ok(self.rows(query, params).await?.into_iter().next())
    }

    /// Runs a statement and returns the number of rows that it affected.
    pub async fn execute(&self, statement: &str, params: Params<'_>) -> Result<u64, DbError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(statement).await?;
        Ok(client.execute(&statement, params).await?)
    }
}

/// Replaces the password in `url` by `***`, for use in messages.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.into() };
    let Some((user, host)) = rest.rsplit_once('@') else { return url.into() };
    match user.split_once(':') {
        Some((name, _)) => format!("{scheme}://{name}:***@{host}"),
        None => url.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_never_show_a_password() {
        assert_eq!(without_password("postgres://me:secret@h:1/d"), "postgres://me:***@h:1/d");
        assert_eq!(without_password("postgres://me@h:1/d"), "postgres://me@h:1/d");
    }

    #[tokio::test]
    async fn a_wrong_url_and_an_absent_server_are_told_apart() {
        let error = Database::open("not a url").await.err().expect("refused").to_string();
        assert!(error.contains("is not a PostgreSQL URL"), "{error}");
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("port").port();
        let url = format!("postgres://postgres@127.0.0.1:{port}/x");
        let error = Database::open(&url).await.err().expect("refused").to_string();
        assert!(error.contains("cannot use PostgreSQL at") && error.contains(&port.to_string()), "{error}");
    }
}
