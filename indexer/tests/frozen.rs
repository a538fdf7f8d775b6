//! Tests that a database that stands still is told within two seconds, and that nothing is lost by it.

mod support;

use openledger_indexer::{
    api,
    datasource::Source,
    db::{Beside, Database},
    ingest::ingest,
    metrics::Metrics,
};
use openledger_sdk::client::Client;
use std::time::{Duration, Instant};
use support::{Server, world};
use tokio::sync::oneshot;

struct Api {
    base: String,
    db: Database,
    server: Server,
    _stop: oneshot::Sender<()>,
}

impl Api {
    async fn start() -> Self {
        let server = Server::start();
        let url = server.url("frozen");
        let db = Database::open(&url).await.expect("opens");
        openledger_indexer::checkpoint::bind_cluster(&db, "genesis").await.expect("bound");
        let client = Client::new("http://127.0.0.1:9", "ws://127.0.0.1:9");
        let source = Source::new(client, db.clone(), Metrics::new().expect("metrics"));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("bound"));
        let (stop, stopped) = oneshot::channel();
        let reader = Database::reader(&url).expect("a URL");
        tokio::spawn(api::serve(api::State::new(&source, reader, None), listener, async { _ = stopped.await }));
        Self { base, db, server, _stop: stop }
    }

    /// Asks several routes at once, more than there are connections. Returns their statuses.
    async fn ask(&self) -> Vec<u16> {
        let routes = ["status", "models", "receipts", "events", "datanets"];
        let all = (0..30).map(|n| reqwest::get(format!("{}/v1/{}", self.base, routes[n % routes.len()])));
        let answers = futures::future::join_all(all).await;
        answers.into_iter().map(|answer| answer.expect("answers").status().as_u16()).collect()
    }

    async fn assert_told(&self) {
        let begun = Instant::now();
        assert_eq!(self.ask().await, [503; 30]);
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn a_server_whose_processes_are_stopped_is_told_and_everything_goes_on_afterwards() {
    let (api, world) = (Api::start().await, world());
    assert_eq!(api.ask().await, [200; 30]);
    let frozen = api.server.freeze();
    api.assert_told().await;
    // Those whose connections were given up ask for new ones, which nobody gives.
    api.assert_told().await;
    let (db, first) = (api.db.clone(), world.history[0].clone());
    let writes = tokio::spawn(async move { ingest(&db, &first).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!writes.is_finished());
    drop(frozen);
    writes.await.expect("no panic").expect("it is stored when the server goes on");
    assert_eq!(api.ask().await, [200; 30]);
    let status: serde_json::Value =
        reqwest::get(format!("{}/v1/status", api.base)).await.expect("answers").json().await.expect("JSON");
    assert_eq!(status["events"], 1);
}

#[tokio::test]
async fn a_table_that_somebody_locks_is_told_and_readers_hold_up_no_writer() {
    let (api, world) = (Api::start().await, world());
    let lock = api.db.begin().await.expect("begins");
    lock.run("LOCK TABLE tally, event, transaction IN ACCESS EXCLUSIVE MODE").await.expect("locks");
    api.assert_told().await;
    lock.commit().await.expect("ends");
    // Readers that keep all of their connections busy.
    let reader = Database::reader(&api.server.url("frozen")).expect("a URL");
    let busy = (0..20).map(|_| {
        let reader = reader.clone();
        tokio::spawn(async move { reader.query("SELECT pg_sleep(9)", &[]).await })
    });
    let busy: Vec<_> = busy.collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let begun = Instant::now();
    for record in &world.history[..5] {
        ingest(&api.db, record).await.expect("ingests");
    }
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    for one in busy {
        one.await.expect("no panic").expect_err("too slow");
    }
}

#[tokio::test]
async fn a_second_index_whose_lock_is_lost_is_given_up() {
    let server = Server::start();
    let (db, url) = (server.database("beside").await, server.url("beside"));
    let beside = Beside::make(&url).await.expect("makes");
    beside.is_held().await.expect("holds");
    let end = "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory'";
    assert_eq!(db.query(end, &[]).await.expect("ends it").len(), 1);
    let error = beside.is_held().await.expect_err("it is lost").to_string();
    assert!(error.contains("keeps others away"), "{error}");
    beside.swap().await.expect_err("the former index stays");
}
