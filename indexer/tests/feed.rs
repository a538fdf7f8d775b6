//! Tests of what the live feed asks of the database: nothing while nothing happens, however many listen.

mod support;

use anchor_lang::Event as _;
use openledger_indexer::{
    api,
    datasource::{Source, backfill},
    db::Database,
    ingest::{TransactionRecord, confirm, ingest, roll_back},
    reconcile::finalise,
};
use openledger_interface::{Program, pda};
use serde_json::{Value, json};
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

/// An index of the world's history but its last transaction, behind an API. Returns also the last transaction.
async fn begun(server: &Server, name: &str) -> (Source, String, oneshot::Sender<()>, TransactionRecord) {
    let mut world = world();
    let url = server.url(name);
    let db = Database::open(&url).await.expect("opens");
    openledger_indexer::checkpoint::bind_cluster(&db, GENESIS).await.expect("bound");
    let last = world.history.pop().expect("not empty");
    for record in &world.history {
        ingest(&db, record).await.expect("ingests");
    }
    let source = Node::start(200, 0, vec![]).await.source(db);
    let (base, stop) = serve(&source, &url).await;
    (source, base, stop, last)
}

/// A live feed, and what was read of it.
struct Live {
    stream: reqwest::Response,
    text: String,
}

impl Live {
    async fn open(url: &str, last_id: Option<&str>) -> Self {
        let mut request = reqwest::Client::new().get(url);
        if let Some(id) = last_id {
            request = request.header("last-event-id", id);
        }
        Self { stream: request.send().await.expect("answers"), text: String::new() }
    }

    /// Reads until an event of this name has come. Returns its id and its data.
    async fn hears(&mut self, name: &str) -> (String, Value) {
        loop {
            let whole = self.text.split_inclusive("\n\n").filter(|part| part.ends_with("\n\n"));
            let field = |part: &str, name: &str| -> Option<String> {
                part.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(|v| v.trim().to_owned())
            };
            let found = whole.clone().find(|part| field(part, "event").as_deref() == Some(name));
            if let Some(part) = found {
                let data = field(part, "data").expect("data");
                return (field(part, "id").expect("an id"), serde_json::from_str(&data).expect("JSON"));
            }
            let next = tokio::time::timeout(Duration::from_secs(20), self.stream.chunk()).await;
            let next = next.unwrap_or_else(|_| panic!("no {name} came: {}", self.text));
            self.text += &String::from_utf8_lossy(&next.expect("reads").expect("goes on"));
        }
    }
}

#[tokio::test]
async fn the_live_feed_tells_what_is_final_and_what_was_dropped_and_tells_it_again_to_who_was_away() {
    let server = Server::start();
    let (source, base, _stop, last) = begun(&server, "told").await;
    let mut live = Live::open(&format!("{base}/v1/events/stream"), None).await;
    ingest(&source.db, &last).await.expect("ingests");
    source.news.send_replace(());
    let (id, row) = live.hears("Claimed").await;
    assert_eq!((&row["signature"], &row["finalized"]), (&json!(last.signature), &json!(false)));

    // All slots up to the last one's are final, and of their transactions this one is not confirmed yet.
    let set = async |slot: u64| {
        source.db.execute("UPDATE chain SET finalized_slot = $1", &[&(slot as i64)]).await.expect("set");
        source.news.send_replace(());
    };
    source
        .db
        .execute("UPDATE transaction SET finalized = true WHERE signature <> $1", &[&last.signature])
        .await
        .expect("set");
    set(last.slot).await;
    let (_, told) = live.hears("final").await;
    assert_eq!(told, json!({ "slot": last.slot, "except": [last.signature] }));

    assert!(roll_back(&source.db, &last.signature).await.expect("rolls back"));
    source.news.send_replace(());
    let (_, told) = live.hears("rolled-back").await;
    assert_eq!(told, json!({ "signature": last.signature, "slot": last.slot }));
    // Whoever heard of the event and then was away is told too, whatever it listens to.
    let mut back = Live::open(&format!("{base}/v1/events/stream?name=Paid"), Some(&id)).await;
    assert_eq!(back.hears("rolled-back").await.1["signature"], json!(last.signature));
}

#[tokio::test]
async fn a_new_numbering_is_told_to_who_listens_and_to_who_comes_back() {
    let server = Server::start();
    let (source, base, _stop, last) = begun(&server, "numbering").await;
    let mut live = Live::open(&format!("{base}/v1/events/stream?after=0"), None).await;
    let (id, _) = live.hears("DatanetCreated").await;
    source.db.execute("UPDATE chain SET feed = 'another'", &[]).await.expect("set");
    source.news.send_replace(());
    let (now, told) = live.hears("reset").await;
    assert_eq!(told["feed"], json!("another"));
    assert!(now.starts_with("another:"), "{now}");
    ingest(&source.db, &last).await.expect("ingests");
    source.news.send_replace(());
    live.hears("Claimed").await;
    let mut back = Live::open(&format!("{base}/v1/events/stream"), Some(&id)).await;
    assert_eq!(back.hears("reset").await.1["feed"], json!("another"));
}

#[tokio::test]
async fn an_account_with_many_events_is_looked_through_in_parts() {
    let server = Server::start();
    let (source, base, _stop, _) = begun(&server, "parts").await;
    source
        .db
        .execute(
            "INSERT INTO event (signature, slot, place, program, kind, subject, sequence, data)
             SELECT t.signature, t.slot, 1000 + n, 'stake', CASE n WHEN 11999 THEN 'ParametersSet' ELSE 'StakePaused' END, 'busy', n, '{}'
             FROM generate_series(0, 11999) n, (SELECT signature, slot FROM transaction LIMIT 1) t",
            &[],
        )
        .await
        .expect("inserted");
    source
        .db
        .execute("UPDATE event SET subject = $1 WHERE subject = 'busy'", &[&key(77).to_string()])
        .await
        .expect("set");
    let url = format!("{base}/v1/events?subject={}&name=ParametersSet", key(77));
    let (mut next, mut pages) = (String::new(), Vec::new());
    loop {
        let page: Value = reqwest::get(format!("{url}{next}")).await.expect("answers").json().await.expect("JSON");
        pages.push(page["items"].as_array().expect("rows").len());
        let Some(cursor) = page["next"].as_str() else { break };
        next = format!("&cursor={cursor}");
    }
    assert_eq!(pages, [0, 0, 1]);
    // And a stream comes to its end, too.
    let mut live =
        Live::open(&format!("{base}/v1/events/stream?after=0&subject={}&name=ParametersSet", key(77)), None).await;
    assert_eq!(live.hears("ParametersSet").await.1["sequence"], json!(11_999));
}
