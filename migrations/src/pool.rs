//! The pool of connections, and rows as typed values.

use crate::{
    DbError, Params, Settings, Transaction, address::Address, error::describe, parameters::typed, prefer::Connecting,
    tls, transaction::one,
};
use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use futures::future::join3;
use serde::de::DeserializeOwned;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, timeout_at};
use tokio_postgres::{Config, Row};

/// How long a new connection may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// How long somebody waits for a connection that others have.
const WAIT_WITHIN: Duration = Duration::from_secs(30);
/// After this time without a word, the system asks whether the server's machine is still there.
const ASK_AFTER: Duration = Duration::from_secs(30);
/// It asks again after this time, so often as below. Then the connection has ended.
const ASK_EVERY: Duration = Duration::from_secs(10);
const ASK_TIMES: u32 = 3;
/// A connection has also ended when what was sent has not arrived for this long.
const ARRIVES_WITHIN: Duration = Duration::from_secs(30);

/// A pool of connections, all in one schema. Clones share it.
#[derive(Clone)]
pub struct Database {
    pool: Pool,
    /// The statements that begin every transaction.
    begin: Arc<str>,
    /// Most time for a statement. `None` sets no limit.
    within: Option<Duration>,
}

impl Database {
    /// Makes the pool. It does not connect yet.
    pub fn new(url: &str, settings: &Settings) -> Result<Self, DbError> {
        let mut address = Address::parse(url)?;
        address.config.application_name(settings.name).connect_timeout(CONNECT_WITHIN);
        notice_a_lost_server(&mut address.config);
        let connector = tls::connector(&address)?;
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let pool = Pool::builder(Manager::from_connect(address.config, Connecting::new(connector), recycling))
            .max_size(settings.connections)
            .create_timeout(Some(CONNECT_WITHIN))
            .wait_timeout(Some(WAIT_WITHIN))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|e| DbError::Pool(e.to_string()))?;
        Ok(Self { pool, begin: settings.begin().into(), within: settings.within })
    }

    /// Makes the pool, and fails if the server does not answer or lets nobody in.
    pub async fn connect(url: &str, settings: &Settings<'_>) -> Result<Self, DbError> {
        let database = Self::new(url, settings)?;
        let reason = match database.query("SELECT 1", &[]).await {
            Ok(_) => return Ok(database),
            Err(DbError::Query(e)) => describe(&e),
            Err(e) => e.to_string(),
        };
        Err(DbError::Connect { url: Address::parse(url)?.shown(), reason })
    }

    /// The role that `url` names.
    pub fn role(url: &str) -> Result<Option<String>, DbError> {
        Ok(Address::parse(url)?.config.get_user().map(str::to_owned))
    }

    /// Begins a transaction.
    pub async fn begin(&self) -> Result<Transaction, DbError> {
        Transaction::begin(self.pool.get().await?, &self.begin).await
    }

    /// Begins a transaction, and in the same message runs `more`, statements without parameters.
    pub async fn begin_with(&self, more: &str) -> Result<Transaction, DbError> {
        Transaction::begin(self.pool.get().await?, &format!("{}; {more}", self.begin)).await
    }

    /// Returns all rows of `query`.
    pub async fn query(&self, query: &str, params: Params<'_>) -> Result<Vec<Row>, DbError> {
        let (params, lease) = (typed(query, params)?, self.lease().await?);
        let done = lease.alone(&self.begin, lease.client.query_typed(query, &params)).await;
        lease.end(done)
    }

    /// Returns the row of a `query` that has exactly one.
    pub async fn query_one(&self, query: &str, params: Params<'_>) -> Result<Row, DbError> {
        one(query, self.query(query, params).await?)
    }

    /// Returns the first row of `query`.
    pub async fn query_opt(&self, query: &str, params: Params<'_>) -> Result<Option<Row>, DbError> {
        Ok(self.query(query, params).await?.into_iter().next())
    }

    /// Returns all rows of `query`. Each row is read from its JSON form, so its columns must be the fields of `T`.
    pub async fn rows<T: DeserializeOwned>(&self, query: &str, params: Params<'_>) -> Result<Vec<T>, DbError> {
        let rows = self.query(&format!("SELECT row_to_json(r)::text FROM ({query}) r"), params).await?;
        rows.iter()
            .map(|row| serde_json::from_str(row.get(0)).map_err(|source| DbError::Row { query: query.into(), source }))
            .collect()
    }

    /// Returns the first row of `query`, or `None` if there is none.
    pub async fn row<T: DeserializeOwned>(&self, query: &str, params: Params<'_>) -> Result<Option<T>, DbError> {
        Ok(self.rows(query, params).await?.into_iter().next())
    }

    /// Runs a statement and returns the number of rows that it affected.
    pub async fn execute(&self, statement: &str, params: Params<'_>) -> Result<u64, DbError> {
        let (params, lease) = (typed(statement, params)?, self.lease().await?);
        let done = lease.alone(&self.begin, lease.client.execute_typed(statement, &params)).await;
        lease.end(done)
    }

    /// Runs statements without parameters, all or none.
    pub async fn run(&self, statements: &str) -> Result<(), DbError> {
        let lease = self.lease().await?;
        let done = lease.alone(&self.begin, lease.client.batch_execute(statements)).await;
        lease.end(done)
    }

    /// Takes a connection for one statement. The time limit begins with the wait for it.
    async fn lease(&self) -> Result<Lease, DbError> {
        let limit = self.within.map(|within| (within, Instant::now() + within));
        let client = match limit {
            None => self.pool.get().await?,
            Some((within, until)) => timeout_at(until, self.pool.get()).await.map_err(|_| DbError::Late(within))??,
        };
        Ok(Lease { client, limit })
    }
}

/// Has connections end whose server is gone without a word, as with a machine that lost its power or a router that forgot
/// the connection. The system alone takes hours. What the URL says counts more.
fn notice_a_lost_server(config: &mut Config) {
    // It alone has a value without the URL.
    if config.get_keepalives_idle() == Config::new().get_keepalives_idle() {
        config.keepalives_idle(ASK_AFTER);
    }
    if config.get_keepalives_interval().is_none() {
        config.keepalives_interval(ASK_EVERY);
    }
    if config.get_keepalives_retries().is_none() {
        config.keepalives_retries(ASK_TIMES);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(ARRIVES_WITHIN);
    }
}

/// A connection for one statement, with the time limit of that statement.
struct Lease {
    client: Object,
    limit: Option<(Duration, Instant)>,
}

impl Lease {
    /// Does `work` in a transaction of its own, which the statements `begin` begin. Beginning, work and end are sent
    /// together, so that they take the time of one.
    async fn alone<T>(
        &self,
        begin: &str,
        work: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, DbError> {
        // They are sent in this order, because this polls them in this order.
        let together = join3(self.client.batch_execute(begin), work, self.client.batch_execute("COMMIT"));
        let (begun, done, ended) = match self.limit {
            None => together.await,
            Some((within, until)) => timeout_at(until, together).await.map_err(|_| DbError::Late(within))?,
        };
        // The first failure is the cause of the others. The end of a transaction whose work failed undoes it.
        begun?;
        let done = done?;
        ended?;
        Ok(done)
    }

    /// Returns the connection to its pool, unless it has kept its user waiting: such a one is closed.
    fn end<T>(self, done: Result<T, DbError>) -> Result<T, DbError> {
        if matches!(done, Err(DbError::Late(_))) {
            drop(Object::take(self.client));
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_server_is_noticed_in_the_time_that_the_url_says_or_else_in_a_minute() {
        let of = |query: &str| {
            let mut config = Address::parse(&format!("postgres://u@h/d{query}")).expect(query).config;
            notice_a_lost_server(&mut config);
            let (idle, interval) = (config.get_keepalives_idle().as_secs(), config.get_keepalives_interval());
            let user = config.get_tcp_user_timeout().map(Duration::as_secs);
            (idle, interval.map(|i| i.as_secs()), config.get_keepalives_retries(), user)
        };
        assert_eq!(of(""), (30, Some(10), Some(3), Some(30)));
        let all = "?keepalives_idle=1&keepalives_interval=2&keepalives_retries=4&tcp_user_timeout=5";
        assert_eq!(of(all), (1, Some(2), Some(4), Some(5)));
    }

    #[tokio::test]
    async fn a_wrong_url_and_an_absent_server_are_told_apart() {
        let settings =
            Settings { schema: "s", name: "test", connections: 1, read_only: false, within: None, durable: false };
        let error = Database::connect("not a url", &settings).await.err().expect("refused").to_string();
        assert!(error.contains("is not a PostgreSQL URL"), "{error}");
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("port").port();
        let url = format!("postgres://postgres@127.0.0.1:{port}/x");
        let error = Database::connect(&url, &settings).await.err().expect("refused").to_string();
        assert!(error.contains("cannot use PostgreSQL at") && error.contains(&port.to_string()), "{error}");
    }
}
