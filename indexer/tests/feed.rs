//! Tests of what the live feed asks of the database: nothing while nothing happens, however many listen.

mod support;

use anchor_lang::Event as _;
use openledger_indexer::{
    api,
    datasource::{Source, backfill},
    db::Database,
    ingest::{confirm, ingest, roll_back},
    reconcile::finalise,
};
use openledger_interface::{Program, pda};
use stake::state::Role;
use std::time::Duration;
use support::{
    Server, key,
    node::{Entry, GENESIS, Node},
    world,
};
use tokio::sync::oneshot;

const LISTENERS: usize = 40;

/// The time of the database's server in a second, by when it has done what this asks.
async fn soon(db: &Database) -> String {
    db.query_one("SELECT (clock_timestamp() + interval '1 second')::text", &[]).await.expect("reads").get(0)
}

/// How many connections have asked something since, but the one that asks this. The server's counters would come late.
async fn asked_since(db: &Database, time: &str) -> i64 {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
               AND backend_type = 'client backend' AND query_start > $1::text::timestamptz";
    db.query_one(sql, &[&time]).await.expect("reads").get(0)
}

/// An API over `source` until the sender is dropped.
async fn serve(source: &Source, url: &str) -> (String, oneshot::Sender<()>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("bound"));
    let (stop, stopped) = oneshot::channel();
    let reader = Database::reader(url).expect("a URL");
    tokio::spawn(api::serve(api::State::new(source, reader, None), listener, async { _ = stopped.await }));
    (base, stop)
}

/// A listener from the start of the feed that has read all that there is.
async fn listen(base: &str, events: usize) -> reqwest::Response {
    let mut stream = reqwest::get(format!("{base}/v1/events/stream?after=0")).await.expect("answers");
    let mut text = String::new();
    while text.matches("data:").count() < events {
        text += &String::from_utf8_lossy(&stream.chunk().await.expect("reads").expect("goes on"));
    }
    stream
}

#[tokio::test]
async fn idle_listeners_ask_the_database_nothing_and_all_hear_what_comes() {
    let (server, mut world) = (Server::start(), world());
    let url = server.url("feed");
    let db = Database::open(&url).await.expect("opens");
    openledger_indexer::checkpoint::bind_cluster(&db, GENESIS).await.expect("bound");
    let last = world.history.pop().expect("not empty");
    for record in &world.history {
        ingest(&db, record).await.expect("ingests");
    }
    let events = world.history.iter().map(|t| t.events.len()).sum();
    let node = Node::start(200, 0, vec![]).await;
    let source = node.source(db.clone());
    let (base, _stop) = serve(&source, &url).await;
    let mut listeners = Vec::new();
    for _ in 0..LISTENERS {
        listeners.push(listen(&base, events).await);
    }
    // Whoever has heard everything may just look once more.
    let before = soon(&db).await;
    // More than two of the rounds in which the feed once looked for news.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let asked = asked_since(&db, &before).await;
    assert_eq!(asked, 0, "{LISTENERS} idle listeners use {asked} connections");

    ingest(&db, &last).await.expect("ingests");
    source.news.send_replace(());
    for listener in &mut listeners {
        let heard = tokio::time::timeout(Duration::from_secs(20), listener.chunk()).await.expect("in time");
        let text = String::from_utf8_lossy(&heard.expect("reads").expect("goes on")).into_owned();
        assert!(text.contains("event:Claimed"), "{text}");
    }
}

#[tokio::test]
async fn what_another_process_does_is_noticed_with_the_next_look_at_the_ledger() {
    let server = Server::start();
    let url = server.url("others");
    let db = Database::open(&url).await.expect("opens");
    openledger_indexer::checkpoint::bind_cluster(&db, GENESIS).await.expect("bound");
    let (position, owner) = (pda::position(&key(1), Role::Operator), key(1));
    let staked =
        stake::events::Staked { position, sequence: 0, owner, role: Role::Operator, added: 1, amount: 1 }.data();
    let node = Node::start(200, 0, vec![Entry::new(99, 100, Program::Stake, [staked])]).await;
    let source = node.source(db.clone());
    backfill(&source).await.expect("the node answers");
    let mut news = source.news.subscribe();
    let mut woken = async |what: &str, expected: bool| {
        backfill(&source).await.expect("the node answers");
        finalise(&source).await.expect("the node answers");
        assert_eq!(news.has_changed().expect("goes on"), expected, "{what}");
        news.mark_unchanged();
    };
    woken("nothing happened", false).await;
    // Another process, over the same database.
    let other = Database::open(&url).await.expect("opens");
    let first = world().history.remove(0);
    ingest(&other, &first).await.expect("ingests");
    woken("it stored a transaction", true).await;
    confirm(&other, &[&first.signature], &[first.slot as i64]).await.expect("confirms");
    woken("it confirmed it", true).await;
    assert!(roll_back(&other, &Entry::new(99, 100, Program::Stake, []).signature()).await.expect("rolls back"));
    // The node still lists it, so it comes again.
    woken("it rolled one back", true).await;
    woken("nothing happened", false).await;
}
