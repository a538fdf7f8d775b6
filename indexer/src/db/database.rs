//! The pool of connections, and rows as typed values.

use super::{
    error::{DbError, describe},
    migrate::{self, SCHEMA},
};
use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod};
use serde::de::DeserializeOwned;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use tokio_postgres::{NoTls, Row, types::ToSql};

/// Most connections at a time of whoever writes, and of those who only read.
const CONNECTIONS: usize = 12;
/// Most connections at a time of the artifact service.
const ARTIFACT_CONNECTIONS: usize = 6;

/// How long a reader's statement may take, from the wait for a connection to the last row. A database that does not answer
/// is told from one that does by this.
const READ_WITHIN: Duration = Duration::from_millis(1_500);

/// A query's parameters.
pub type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// The indexer's database: a pool of connections, all in one schema.
#[derive(Clone)]
pub struct Database {
    pool: Pool,
    /// Most time for a statement. `None` sets no limit.
    within: Option<Duration>,
}

impl Database {
    /// Connects and brings the schema up to date.
    pub async fn open(url: &str) -> Result<Self, DbError> {
        let database = Self::connect(url, SCHEMA).await?;
        migrate::up(database.client().await?, SCHEMA).await?;
        Ok(database)
    }

    /// Makes a pool of its own for those who only read, who then take no connection from whoever writes. The database
    /// itself refuses their writes, and ends their statements after a time. It does not connect yet.
    pub fn reader(url: &str) -> Result<Self, DbError> {
        let settings = format!("-c default_transaction_read_only=on -c statement_timeout={}", READ_WITHIN.as_millis());
        Ok(Self { pool: pool(url, SCHEMA, &settings, "openledger-indexer-api")?, within: Some(READ_WITHIN) })
    }

    /// Makes a small pool of its own for the artifact service, whose requests then wait for one another and take no
    /// connection from whoever writes the index. It does not connect yet.
    pub fn artifacts(url: &str) -> Result<Self, DbError> {
        let pool = pool(url, SCHEMA, "", "openledger-indexer-artifacts")?;
        pool.resize(ARTIFACT_CONNECTIONS);
        Ok(Self { pool, within: None })
    }

    /// Connects to `schema`, which need not exist.
    pub(super) async fn connect(url: &str, schema: &str) -> Result<Self, DbError> {
        let database = Self { pool: pool(url, schema, "", "openledger-indexer")?, within: None };
        match database.client().await {
            Ok(_) => Ok(database),
            Err(DbError::Query(e)) => Err(DbError::Connect { url: without_password(url), reason: describe(&e) }),
            Err(e) => Err(DbError::Connect { url: without_password(url), reason: e.to_string() }),
        }
    }

    /// Lets the role of the URL `reader` read the index. It needs to be told again after a migration and after a swap.
    pub async fn admit(&self, reader: &str) -> Result<(), DbError> {
        let Some(role) = config(reader)?.get_user().map(|role| role.replace('"', "\"\"")) else { return Ok(()) };
        let grants = format!(
            "GRANT USAGE ON SCHEMA {SCHEMA} TO \"{role}\"; GRANT SELECT ON ALL TABLES IN SCHEMA {SCHEMA} TO \"{role}\""
        );
        Ok(self.client().await?.batch_execute(&grants).await?)
    }

    /// A connection of the pool, for whoever needs more than one statement.
    pub async fn client(&self) -> Result<Object, DbError> {
        Ok(self.pool.get().await?)
    }

    /// Returns all rows of `query`.
    pub async fn query(&self, query: &str, params: Params<'_>) -> Result<Vec<Row>, DbError> {
        let lease = self.lease().await?;
        let work = async {
            let statement = lease.client.prepare_cached(query).await?;
            lease.client.query(&statement, params).await
        };
        let done = lease.limit(work).await;
        lease.end(done)
    }

    /// Returns all rows of `query`. Each row is read from its JSON form, so its columns must be the fields of `T`.
    pub async fn rows<T: DeserializeOwned>(&self, query: &str, params: Params<'_>) -> Result<Vec<T>, DbError> {
        let rows = self.query(&format!("SELECT to_jsonb(r) FROM ({query}) r"), params).await?;
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
        let lease = self.lease().await?;
        let work = async {
            let statement = lease.client.prepare_cached(statement).await?;
            lease.client.execute(&statement, params).await
        };
        let done = lease.limit(work).await;
        lease.end(done)
    }

    /// Takes a connection for one statement. The time limit begins with the wait for it.
    async fn lease(&self) -> Result<Lease, DbError> {
        let limit = self.within.map(|within| (within, Instant::now() + within));
        let client = match limit {
            None => self.client().await?,
            Some((within, until)) => timeout_at(until, self.client()).await.map_err(|_| DbError::Late(within))??,
        };
        Ok(Lease { client, limit })
    }
}

/// A connection for one statement, with the time limit of that statement.
struct Lease {
    client: Object,
    limit: Option<(Duration, Instant)>,
}

impl Lease {
    /// Waits for `work` until the limit.
    async fn limit<T>(&self, work: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, DbError> {
        match self.limit {
            None => Ok(work.await?),
            Some((within, until)) => Ok(timeout_at(until, work).await.map_err(|_| DbError::Late(within))??),
        }
    }

    /// Returns the connection to its pool, unless it has kept its user waiting: such a one is closed.
    fn end<T>(self, done: Result<T, DbError>) -> Result<T, DbError> {
        if matches!(done, Err(DbError::Late(_))) {
            drop(Object::take(self.client));
        }
        done
    }
}

fn config(url: &str) -> Result<tokio_postgres::Config, DbError> {
    url.parse().map_err(|e: tokio_postgres::Error| DbError::Url { url: without_password(url), reason: describe(&e) })
}

fn pool(url: &str, schema: &str, settings: &str, name: &str) -> Result<Pool, DbError> {
    let mut config = config(url)?;
    // Every statement here reads few rows, for which compiling it or starting workers takes longer than the reading.
    let plain = "-c jit=off -c max_parallel_workers_per_gather=0";
    config.options(format!("-c search_path={schema} {plain} {settings}")).application_name(name);
    config.connect_timeout(Duration::from_secs(10));
    let manager = Manager::from_config(config, NoTls, ManagerConfig { recycling_method: RecyclingMethod::Fast });
    Pool::builder(manager).max_size(CONNECTIONS).build().map_err(|e| DbError::Pool(e.to_string()))
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
