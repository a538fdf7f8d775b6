//! Tests that no answer reads the whole history. `cargo xtask bench indexer` measures how long they take over a long one.

mod support;

use openledger_indexer::{api, datasource::Source, db::Database, metrics::Metrics};
use openledger_sdk::client::Client;
use support::{
    Server,
    scale::{History, Plans, explainer},
};
use tokio::sync::oneshot;

const PAYMENTS: usize = 20_000;

/// How many rows of the history's tables were read one after another.
async fn read_in_order(db: &Database) -> i64 {
    // Each session tells what it did within a second after it.
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    let sql = "SELECT coalesce(sum(seq_tup_read), 0)::bigint FROM pg_stat_user_tables
               WHERE relname IN ('event', 'transaction', 'leaf')";
    db.query_one(sql, &[]).await.expect("reads").get(0)
}

#[tokio::test]
async fn no_route_reads_the_whole_history() {
    let server = Server::start();
    let url = server.url("scale");
    let db = Database::open(&url).await.expect("the schema migrates");
    let history = History::of(PAYMENTS, 1_000);
    history.fill(&db, "genesis").await;
    let reader = Database::reader(&explainer(&db, &url, true).await).expect("a URL");
    let source =
        Source::new(Client::new("http://127.0.0.1:9", "ws://127.0.0.1:9"), db.clone(), Metrics::new().unwrap());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("bound"));
    let (_stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(api::serve(api::State::new(&source, reader, None), listener, async { _ = stopped.await }));

    let document = reqwest::get(format!("{base}/openapi.json")).await.expect("answers");
    let requests = history.requests(&document.json().await.expect("JSON"));
    assert!(requests.len() > 40, "{requests:?}");
    let mut plans = Plans::of(server.postgres());
    let before = read_in_order(&db).await;
    let (mut explained, mut wrong) = (0, Vec::new());
    for request in &requests {
        let answer = reqwest::get(format!("{base}{request}")).await.expect("answers");
        // There is no node and no such account behind some of them, and the history's batches have no true roots.
        assert!([200, 404, 503].contains(&answer.status().as_u16()), "{request}: {}", answer.status());
        let (number, scans) = plans.scans();
        explained += number;
        wrong.extend(scans.iter().map(|scan| format!("{request}: {scan}")));
    }
    assert!(explained >= requests.len(), "{explained} statements explained for {} requests", requests.len());
    assert!(wrong.is_empty(), "read row by row:\n{}", wrong.join("\n"));
    let read = read_in_order(&db).await - before;
    assert!(read < PAYMENTS as i64, "the answers read {read} rows of the history one after another");
}
