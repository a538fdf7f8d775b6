//! Tests that what cannot be read or stored is set aside, and stops nothing.

mod support;

use anchor_lang::{AccountSerialize, AnchorDeserialize, Event as _};
use datanet::events::DatanetCreated;
use openledger_indexer::{
    config::SourceArgs,
    datasource::{Source, Taken, backfill, retry},
    db::Database,
    ingest::{self, Outcome, Quarantined, TransactionRecord},
    reconcile::{compare, finalise},
};
use openledger_interface::{Program, events::Event, pda};
use stake::state::Role;
use support::{
    Server, created, key,
    node::{Entry, GENESIS, Node},
    state, world,
};

fn staked(owner: u8) -> Vec<u8> {
    let (position, owner) = (pda::position(&key(owner), Role::Operator), key(owner));
    stake::events::Staked { position, sequence: 0, owner, role: Role::Operator, added: 1, amount: 1 }.data()
}

/// A Datanet whose name blinds whoever stores or shows it as it is.
fn named(name: &str) -> DatanetCreated {
    DatanetCreated { metadata_uri: "blob:\0".into(), ..created(key(7), 7, name) }
}

async fn index(server: &Server, name: &str, node: &Node) -> Source {
    let db = server.database(name).await;
    openledger_indexer::checkpoint::bind_cluster(&db, GENESIS).await.expect("bound");
    node.source(db)
}

async fn subjects(db: &Database) -> Vec<String> {
    let rows = db.query("SELECT subject FROM event ORDER BY id", &[]).await.expect("reads");
    rows.iter().map(|row| row.get(0)).collect()
}

async fn aside(source: &Source) -> Vec<Quarantined> {
    ingest::newest(&source.db, 100).await.expect("reads")
}

async fn retry_now(source: &Source) -> u64 {
    source.db.execute("UPDATE quarantine SET next_try = now()", &[]).await.expect("writes");
    retry(source).await.expect("the node answers")
}

#[tokio::test]
async fn a_name_with_a_nul_is_stored_with_its_name_and_blinds_nobody() {
    let server = Server::start();
    let db = server.database("nul").await;
    let record = |n: u8, event| TransactionRecord {
        signature: bs58::encode([n; 64]).into_string(),
        slot: 5,
        place: None,
        block_time: None,
        failed: false,
        events: vec![event],
        unread: vec![],
    };
    let bad = Event::DatanetCreated(named("a\0\u{1b}[2J\u{202e}b"));
    assert_eq!(ingest::ingest(&db, &record(200, bad)).await.expect("stored"), Outcome::Stored(1));
    for record in &world().history {
        ingest::ingest(&db, record).await.expect("ingests");
    }
    assert!(state(&db).await.iter().any(|row| row.contains("a⟨U+0000⟩⟨U+001B⟩[2J⟨U+202E⟩b")));
}

#[tokio::test]
async fn what_cannot_be_decoded_is_set_aside_and_everything_after_it_goes_on() {
    // An event that this version does not know is between two that it knows, and one transaction is too new as a whole.
    let unknown = || vec![9; 20];
    let mut newer = Entry::new(3, 12, Program::Stake, [staked(3)]);
    newer.version = 2;
    let node = Node::start(
        100,
        50,
        vec![
            Entry::new(1, 10, Program::Stake, [staked(1), unknown(), staked(2)]),
            newer,
            Entry::new(4, 13, Program::Datanet, [named("a\0").data()]),
            Entry::new(5, 14, Program::Stake, [staked(5)]),
        ],
    )
    .await;
    let server = Server::start();
    let source = index(&server, "decode", &node).await;
    assert_eq!(backfill(&source).await.expect("goes on"), Taken { new: 3, left: 0 });
    let position = |n| pda::position(&key(n), Role::Operator).to_string();
    let datanet = pda::datanet(&key(7), 7).to_string();
    let mut found = subjects(&source.db).await;
    found.sort();
    let mut expected = vec![position(1), position(2), position(5), datanet];
    expected.sort();
    assert_eq!(found, expected);

    let mut named: Vec<_> = aside(&source).await.into_iter().map(|q| (q.slot, q.ordinal, q.reason)).collect();
    named.sort();
    assert_eq!((named[0].0, named[0].1, named[1].0, named[1].1), (10, Some(1), 12, None));
    assert!(named[0].2.contains("unknown event") && named[1].2.contains("version (2) is not supported"), "{named:?}");
    // The checkpoint is behind them: nothing is listed again.
    assert_eq!(backfill(&source).await.expect("goes on"), Taken::default());
    let checkpoint = openledger_indexer::checkpoint::load(&source.db, "stake").await.expect("reads").expect("is set");
    assert_eq!(checkpoint.slot, 14);
    assert_eq!(finalise(&source).await.expect("goes on"), 3);

    // It is read again, but not before its time, and less and less often.
    source.db.execute("UPDATE quarantine SET next_try = now() + interval '1 hour'", &[]).await.expect("writes");
    assert_eq!((retry(&source).await.expect("goes on"), source.metrics.quarantined.get()), (0, 2));
    assert!(aside(&source).await.iter().all(|q| q.tries == 1));
    assert_eq!(retry_now(&source).await, 0);
    assert!(aside(&source).await.iter().all(|q| q.tries == 2));
    // A newer program reads both.
    node.ledger().entry(1).events[1] = staked(8);
    node.ledger().entry(3).version = 1;
    assert_eq!(retry_now(&source).await, 2);
    assert_eq!((aside(&source).await, source.metrics.quarantined.get()), (vec![], 0));
    let mut found = subjects(&source.db).await;
    assert!(found.len() == 6 && found.contains(&position(8)) && found.contains(&position(3)));
    found.dedup();
    assert_eq!(found.len(), 6, "none is stored twice");
    assert_eq!(finalise(&source).await.expect("goes on"), 1);
}

#[tokio::test]
async fn an_event_that_the_database_refuses_takes_no_other_along() {
    let server = Server::start();
    let db = server.database("refused").await;
    // Somebody's mistake in the schema, which no check of ours foresees.
    db.execute("ALTER TABLE event ADD CHECK (data ->> 'name' <> 'Manual pages')", &[]).await.expect("writes");
    let world = world();
    for record in &world.history {
        assert!(matches!(ingest::ingest(&db, record).await, Ok(Outcome::Stored(_))));
    }
    let refused = ingest::newest(&db, 9).await.expect("reads");
    assert_eq!(refused.len(), 1);
    assert!(refused[0].ordinal == Some(0) && refused[0].reason.contains("violates check"), "{refused:?}");
    assert_eq!(subjects(&db).await.len(), world.history.iter().map(|t| t.events.len()).sum::<usize>() - 1);
}

#[tokio::test]
async fn a_settled_transaction_that_the_node_withholds_is_set_aside_and_comes_later() {
    let mut withheld = Entry::new(1, 10, Program::Stake, [staked(1)]);
    withheld.returned = false;
    let mut fresh = Entry::new(3, 90, Program::Stake, [staked(3)]);
    fresh.returned = false;
    let node = Node::start(100, 50, vec![withheld, Entry::new(2, 11, Program::Stake, [staked(2)]), fresh]).await;
    let server = Server::start();
    let source = index(&server, "withheld", &node).await;
    // The last is not final, so that the next listing names it again.
    assert_eq!(backfill(&source).await.expect("goes on"), Taken { new: 1, left: 1 });
    assert_eq!(aside(&source).await.iter().map(|q| q.slot).collect::<Vec<_>>(), [10]);
    node.ledger().entry(1).returned = true;
    assert_eq!(retry_now(&source).await, 1);
    assert_eq!(subjects(&source.db).await.len(), 2);
    // What the cluster drops is not waited for.
    node.finalise(95);
    backfill(&source).await.expect("goes on");
    assert_eq!(aside(&source).await.len(), 1);
    node.ledger().entries.pop();
    retry_now(&source).await;
    assert_eq!(aside(&source).await, []);
}

#[tokio::test]
async fn what_the_node_refuses_to_speak_of_keeps_nothing_else_waiting() {
    // As many as one round reads again, and one more.
    let mut entries: Vec<Entry> = (1..=33).map(|n| Entry::new(n, 10, Program::Stake, [staked(n)])).collect();
    entries[..32].iter_mut().for_each(|entry| entry.silent = true);
    let signatures: Vec<String> = entries.iter().map(Entry::signature).collect();
    let node = Node::start(100, 50, entries).await;
    let server = Server::start();
    let source = index(&server, "silent", &node).await;
    for signature in &signatures {
        assert!(ingest::set_aside(&source.db, signature, 10, "it could not be read").await.expect("writes"));
    }
    let last = "UPDATE quarantine SET next_try = now() - CASE WHEN signature = $1 THEN interval '1 second'
                ELSE interval '1 minute' END";
    source.db.execute(last, &[&signatures[32]]).await.expect("writes");
    retry(&source).await.expect_err("the node refuses 32 of them");
    assert_eq!(retry(&source).await.expect("goes on"), 1, "the last one's turn has come");
    assert_eq!(aside(&source).await.len(), 32);
}

#[tokio::test]
async fn an_endpoint_with_a_nul_stops_no_comparison() {
    let (owner, identity) = (key(9), key(8));
    let (address, endpoint) = (pda::operator(&owner), "http://a\0\u{1b}[2J:1".to_owned());
    let registered = stake::events::OperatorRegistered {
        operator: address,
        sequence: 0,
        owner,
        identity,
        endpoint: endpoint.clone(),
        capabilities: 5,
    };
    let node = Node::start(100, 50, vec![Entry::new(1, 10, Program::Stake, [registered.data()])]).await;
    let mut operator = stake::state::Operator::deserialize(&mut &[0; 512][..]).expect("zeros are an account");
    (operator.owner, operator.identity, operator.endpoint, operator.sequence) = (owner, identity, endpoint, 1);
    let mut data = Vec::new();
    operator.try_serialize(&mut data).expect("memory is written to");
    node.ledger().accounts.push((Program::Stake, address, data.clone()));
    let server = Server::start();
    let source = index(&server, "endpoint", &node).await;
    backfill(&source).await.expect("goes on");
    for _ in 0..2 {
        assert_eq!(compare(&source).await.expect("compares"), []);
    }
    // And a true difference is still found.
    operator.sequence = 2;
    data.clear();
    operator.try_serialize(&mut data).expect("memory is written to");
    node.ledger().accounts[0].2 = data;
    compare(&source).await.expect("compares");
    assert_eq!(compare(&source).await.expect("compares").len(), 1);
}

#[tokio::test]
async fn a_resync_survives_the_same_ledger_and_readers_see_the_former_index_until_it_ends() {
    let ledger = vec![
        Entry::new(1, 10, Program::Datanet, [named("a\0").data()]),
        Entry::new(2, 11, Program::Stake, [vec![9; 20]]),
        Entry::new(3, 12, Program::Stake, [staked(3)]),
    ];
    let node = Node::start(100, 50, ledger).await;
    let server = Server::start();
    let source = index(&server, "resync", &node).await;
    backfill(&source).await.expect("goes on");
    let (expected, url) = (state(&source.db).await, server.url("resync"));
    let reader = Database::reader(&url).expect("a URL");
    assert_eq!(subjects(&reader).await.len(), 2);
    let args = SourceArgs { rpc: node.url.clone(), database: url.clone() };
    assert_eq!(openledger_indexer::resync(&args).await.expect("ends"), (3, 2));
    // The connections of before go on with the new index, in which everything is final now.
    assert_eq!(subjects(&reader).await.len(), 2);
    assert_eq!(aside(&source).await.len(), 1);
    finalise(&source).await.expect("answers");
    let final_ = |rows: Vec<String>| {
        rows.iter().map(|r| r.replace("\"finalized\":false", "\"finalized\":true")).collect::<Vec<_>>()
    };
    assert_eq!(final_(state(&source.db).await), final_(expected));

    // A node without the beginning of the history leaves the index as it is.
    node.ledger().entries = vec![Entry::new(
        4,
        13,
        Program::Stake,
        [stake::events::Withdrawn { position: pda::position(&key(4), Role::Operator), sequence: 3, paid: 1 }.data()],
    )];
    let refused = openledger_indexer::resync(&args).await.expect_err("refused").to_string();
    assert!(refused.contains("lacks events 0 to 2") && refused.contains("stays as it was"), "{refused}");
    assert_eq!(subjects(&reader).await.len(), 2);
}
