//! Reading a long ledger into an empty index.

use crate::{
    Server,
    node::{self, Node, Shape},
    sizes,
};
use openledger_indexer::{
    datasource::{Source, backfill},
    db::Database,
    metrics::Metrics,
};
use openledger_sdk::client::Client;
use serde_json::{Value, json};
use std::time::Instant;

/// Payments in a transaction, and transactions in a slot.
const SHAPE: Shape = Shape { first_slot: 1_000, in_slot: 20, payments: 4 };

/// Reads a ledger of `events` payments.
pub async fn measure(server: &Server, events: usize) -> Value {
    let url = server.postgres.create_database("backfill").expect("a database is made");
    let db = Database::open(&url).await.expect("opens");
    openledger_indexer::checkpoint::bind_cluster(&db, node::GENESIS).await.expect("bound");
    let transactions = (events as u64).div_ceil(SHAPE.payments);
    let node = Node::start(SHAPE, transactions).await;
    let source = Source::new(Client::new(&node.http, &node.ws), db.clone(), Metrics::new().expect("metrics"));
    let begun = Instant::now();
    let taken = backfill(&source).await.expect("the node answers");
    let took = begun.elapsed().as_secs_f64();
    assert_eq!((taken.new, taken.left), (transactions, 0));
    let stored: i64 = db.query_one("SELECT events FROM tally WHERE kind = 'event'", &[]).await.expect("reads").get(0);
    assert_eq!(stored as u64, transactions * SHAPE.payments);
    let events = stored as f64;
    json!({
        "events": stored, "transactions": transactions, "seconds_of_backfill": took, "events_per_second": events / took,
        "size": sizes(&db).await,
    })
}
