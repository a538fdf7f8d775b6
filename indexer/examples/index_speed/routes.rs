//! Every route over a long history: how long it takes, and whether its statements read a table of the history row by row.

use crate::{
    Server,
    node::{Node, Shape},
    percentiles,
    scale::{History, Plans, explainer},
};
use openledger_indexer::{api, datasource::Source, db::Database, metrics::Metrics};
use openledger_sdk::client::Client;
use serde_json::{Value, json};
use std::time::Instant;
use tokio::sync::oneshot;

/// An API whose statements run as the role of `url`, before this node.
async fn serve(db: &Database, url: &str, node: &Node) -> (String, oneshot::Sender<()>) {
    let client = Client::new(&node.http, &node.ws);
    let source = Source::new(client, db.clone(), Metrics::new().expect("metrics"));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("bound"));
    let (stop, stopped) = oneshot::channel();
    let reader = Database::reader(url).expect("a URL");
    tokio::spawn(api::serve(api::State::new(&source, reader, None), listener, async { _ = stopped.await }));
    (base, stop)
}

/// Asks every request `asked` times, one after another.
pub async fn measure(server: &Server, db: &Database, url: &str, history: &History, asked: usize) -> Vec<Value> {
    let node = Node::start(Shape { first_slot: 1, in_slot: 1, payments: 1 }, 1).await;
    let (base, _stop) = serve(db, url, &node).await;
    let (explained, _end) = serve(db, &explainer(db, url, false).await, &node).await;
    let mut plans = Plans::of(&server.postgres);
    let client = reqwest::Client::new();
    let document = client.get(format!("{base}/openapi.json")).send().await.expect("answers");
    let mut found = Vec::new();
    for request in history.requests(&document.json().await.expect("JSON")) {
        client.get(format!("{explained}{request}")).send().await.expect("answers");
        let (statements, scans) = plans.scans();
        let (mut times, mut status, mut bytes) = (Vec::new(), 0, 0);
        for _ in 0..asked {
            let begun = Instant::now();
            let answer = client.get(format!("{base}{request}")).send().await.expect("answers");
            status = answer.status().as_u16();
            bytes = answer.bytes().await.expect("a body").len();
            times.push(begun.elapsed());
        }
        let (p50, p99) = percentiles(times);
        found.push(json!({
            "request": request, "status": status, "bytes": bytes, "p50_ms": p50, "p99_ms": p99,
            "statements": statements, "scans": scans,
        }));
    }
    found
}
