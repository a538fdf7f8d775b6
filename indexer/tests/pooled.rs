//! Tests that the index is the same through a PgBouncer in transaction mode, whose few sessions everybody shares.

mod support;

use openledger_indexer::{
    api,
    config::SourceArgs,
    datasource::backfill,
    db::Database,
    ingest::{ingest, roll_back},
    reconcile::finalise,
};
use openledger_interface::{Program, pda};
use openledger_postgres::PgBouncer;
use stake::state::Role;
use support::{
    Server, key,
    node::{Entry, GENESIS, Node},
    state, world,
};
use tokio::sync::oneshot;

/// Sessions behind the pooler.
const SESSIONS: usize = 4;

#[tokio::test]
async fn i1_the_index_is_the_same_through_a_pooler() {
    let (server, world) = (Server::start(), world());
    let straight = server.database("straight").await;
    for record in &world.history {
        ingest(&straight, record).await.expect("ingests");
    }
    let pooler = PgBouncer::start(server.postgres(), SESSIONS).expect("a PgBouncer starts");
    let url = pooler.url(server.postgres(), &server.url("pooled"));
    // Two indexers that start at once, and store the same in two orders.
    let (a, b) = tokio::join!(Database::open(&url), Database::open(&url));
    let (a, b) = (a.expect("opens"), b.expect("opens"));
    let mut backwards = world.history.clone();
    backwards.reverse();
    let all = async |db: &Database, history: &[_]| {
        for record in history {
            ingest(db, record).await.expect("ingests");
        }
    };
    tokio::join!(all(&a, &world.history), all(&b, &backwards));
    assert_eq!(state(&a).await, state(&straight).await);
    let dropped = &world.history[3];
    assert!(roll_back(&a, &dropped.signature).await.expect("rolls back"));
    ingest(&b, dropped).await.expect("ingests");
    let but_rollbacks = |rows: Vec<String>| rows.into_iter().filter(|r| !r.starts_with("rollback")).collect::<Vec<_>>();
    assert_eq!(but_rollbacks(state(&a).await), but_rollbacks(state(&straight).await));
}

#[tokio::test]
async fn backfill_api_and_resync_work_through_a_pooler() {
    let server = Server::start();
    let pooler = PgBouncer::start(server.postgres(), SESSIONS).expect("a PgBouncer starts");
    let url = pooler.url(server.postgres(), &server.url("pooled"));
    let staked = |n: u8| {
        let (position, owner) = (pda::position(&key(n), Role::Operator), key(n));
        let event = stake::events::Staked { position, sequence: 0, owner, role: Role::Operator, added: 1, amount: 1 };
        Entry::new(n, 100 + u64::from(n), Program::Stake, [anchor_lang::Event::data(&event)])
    };
    let node = Node::start(400, 300, (1..=60).map(staked).collect()).await;
    let source = node.source(Database::open(&url).await.expect("opens"));
    openledger_indexer::checkpoint::bind_cluster(&source.db, GENESIS).await.expect("bound");
    assert_eq!(backfill(&source).await.expect("the node answers").new, 60);
    assert_eq!(finalise(&source).await.expect("the node answers"), 60);

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("bound"));
    let (_stop, stopped) = oneshot::channel::<()>();
    let reader = Database::reader(&url).expect("a URL");
    tokio::spawn(api::serve(api::State::new(&source, reader, None), listener, async { _ = stopped.await }));
    let events = async || {
        let all = (0..20).map(|_| async {
            let page = reqwest::get(format!("{base}/v1/events?limit=500")).await.expect("answers");
            assert_eq!(page.status().as_u16(), 200);
            page.json::<serde_json::Value>().await.expect("JSON")["items"].as_array().expect("items").len()
        });
        futures::future::join_all(all).await
    };
    assert_eq!(events().await, [60; 20]);

    let before = state(&source.db).await;
    let args = SourceArgs { rpc: node.url.clone(), database: url.clone() };
    assert_eq!(openledger_indexer::resync(&args).await.expect("resyncs"), (60, 60));
    assert_eq!(state(&source.db).await, before);
    assert_eq!(events().await, [60; 20]);
    // Only one at a time. The lock of the first went with it.
    openledger_indexer::resync(&args).await.expect("resyncs again");
}
