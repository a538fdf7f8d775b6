//! Tests of rule I1: the index misses no event and holds none twice, for every order of arrival and for a kill at any
//! moment.

mod support;

use openledger_indexer::{
    db::Database,
    ingest::{IngestError, Outcome, TransactionRecord, confirm, ingest, roll_back},
    reconcile::gaps,
};
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use std::time::Duration;
use support::{Server, state, world};

async fn ingest_all(db: &Database, history: &[TransactionRecord]) {
    for record in history {
        ingest(db, record).await.expect("ingests");
    }
}

#[tokio::test]
async fn i1_any_order_with_any_repetition_gives_the_same_rows() {
    let (server, world) = (Server::start(), world());
    let db = server.database("straight").await;
    ingest_all(&db, &world.history).await;
    let expected = state(&db).await;
    assert!(expected.len() > world.history.len());

    let config = Config { cases: 6, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let places: Vec<usize> = (0..world.history.len()).collect();
    let repeated: Vec<usize> = places.iter().chain(&places[..20]).copied().collect();
    let mut orders = Vec::new();
    for _ in 0..6 {
        let tree = Just(repeated.clone()).prop_shuffle().new_tree(&mut runner).expect("a permutation");
        orders.push(tree.current());
    }
    for (number, order) in orders.iter().enumerate() {
        let db = server.database(&format!("shuffled_{number}")).await;
        for place in order {
            ingest(&db, &world.history[*place]).await.expect("ingests");
        }
        assert_eq!(state(&db).await, expected, "order {order:?}");
    }
}

#[tokio::test]
async fn i1_a_kill_at_any_moment_loses_and_doubles_nothing() {
    let (server, world) = (Server::start(), world());
    let db = server.database("whole").await;
    ingest_all(&db, &world.history).await;
    let expected = state(&db).await;

    let url = server.url("killed");
    let mut survivors = Vec::new();
    for kill_after in [1, 3, 7, 15, 30, 60, 120] {
        // Every run opens the database anew and starts from the beginning, as after a lost checkpoint.
        let db = Database::open(&url).await.expect("opens");
        let life = tokio::spawn({
            let (db, history) = (db.clone(), world.history.clone());
            async move { ingest_all(&db, &history).await }
        });
        tokio::time::sleep(Duration::from_millis(kill_after)).await;
        life.abort();
        let _ = life.await;
        let whole: Vec<String> = state(&db).await.into_iter().filter(|r| r.starts_with("transaction")).collect();
        survivors.push(whole.len());
    }
    assert!(survivors.is_sorted(), "a restart lost transactions: {survivors:?}");
    let db = Database::open(&url).await.expect("opens");
    ingest_all(&db, &world.history).await;
    assert_eq!(state(&db).await, expected);
}

#[tokio::test]
async fn two_writers_at_once_store_each_transaction_once() {
    let (server, world) = (Server::start(), world());
    let db = server.database("alone").await;
    ingest_all(&db, &world.history).await;
    let expected = state(&db).await;
    let (a, b) = (server.database("shared").await, server.database("shared").await);
    let mut backwards = world.history.clone();
    backwards.reverse();
    tokio::join!(ingest_all(&a, &world.history), ingest_all(&b, &backwards));
    assert_eq!(state(&a).await, expected);
}

#[tokio::test]
async fn a_missing_event_is_a_visible_gap_until_it_comes() {
    let (server, world) = (Server::start(), world());
    let db = server.database("gap").await;
    let missing = world.history.iter().position(|t| t.events[0].name() == "VerdictCommitted").expect("in the history");
    for (n, record) in world.history.iter().enumerate() {
        if n != missing {
            ingest(&db, record).await.expect("ingests");
        }
    }
    let found = gaps(&db).await.expect("reads");
    let subject = world.history[missing].events[0].subject().to_string();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].subject.as_str(), found[0].first, found[0].last), (subject.as_str(), 3, 3));
    ingest(&db, &world.history[missing]).await.expect("ingests");
    assert_eq!(gaps(&db).await.expect("reads"), []);
}

#[tokio::test]
async fn a_dropped_transaction_takes_all_that_came_of_it_along_and_may_come_again() {
    let (server, world) = (Server::start(), world());
    let db = server.database("rollback").await;
    ingest_all(&db, &world.history).await;
    let expected = state(&db).await;
    for record in &world.history {
        assert!(roll_back(&db, &record.signature).await.expect("rolls back"));
        let left = state(&db).await;
        // With its quotes, because a signature may begin with another.
        let quoted = format!("\"{}\"", record.signature);
        assert!(!left.iter().any(|row| row.contains(&quoted)), "{quoted}");
        assert_eq!(ingest(&db, record).await.expect("comes again"), Outcome::Stored(record.events.len()));
        assert_eq!(state(&db).await, expected);
    }
}

#[tokio::test]
async fn a_second_event_under_one_number_is_refused_whole() {
    let (server, world) = (Server::start(), world());
    let db = server.database("conflict").await;
    ingest_all(&db, &world.history).await;
    let before = state(&db).await;
    let mut other = world.history.last().expect("not empty").clone();
    let stored = std::mem::replace(&mut other.signature, "another".into());
    let error = ingest(&db, &other).await.expect_err("refused");
    assert!(matches!(&error, IngestError::Conflict { stored: s, sequence: 0, .. } if *s == stored), "{error}");
    assert_eq!(state(&db).await, before);
}

#[tokio::test]
async fn a_failed_transaction_is_remembered_without_events() {
    let server = Server::start();
    let db = server.database("failed").await;
    let record = TransactionRecord {
        signature: "failed".into(),
        slot: 7,
        place: None,
        block_time: None,
        failed: true,
        events: vec![],
        unread: vec![],
    };
    assert_eq!(ingest(&db, &record).await.expect("stored"), Outcome::Stored(0));
    assert_eq!(ingest(&db, &record).await.expect("known"), Outcome::Known);
}

#[tokio::test]
async fn a_transaction_that_another_fork_executed_otherwise_or_elsewhere_is_replaced() {
    let (server, world) = (Server::start(), world());
    let db = server.database("fork").await;
    ingest_all(&db, &world.history).await;
    let expected = state(&db).await;
    let good = world.history.last().expect("not empty");
    let failed = TransactionRecord { slot: good.slot + 3, failed: true, events: vec![], ..good.clone() };
    assert_eq!(ingest(&db, &failed).await.expect("replaced"), Outcome::Replaced(0));
    assert_ne!(state(&db).await, expected);
    let moved = TransactionRecord { slot: good.slot + 1, ..good.clone() };
    assert_eq!(ingest(&db, &moved).await.expect("replaced"), Outcome::Replaced(good.events.len()));
    assert_ne!(state(&db).await, expected);
    assert_eq!(ingest(&db, good).await.expect("replaced"), Outcome::Replaced(good.events.len()));
    assert_eq!(state(&db).await, expected);
}

#[tokio::test]
async fn a_rejected_settlement_counts_for_nothing_and_its_epoch_is_posted_again() {
    #[derive(serde::Deserialize)]
    struct Row {
        row: serde_json::Value,
    }
    let (server, world) = (Server::start(), world());
    let db = server.database("rejected").await;
    // Reads the rows that the API and the reconciliation would read.
    let read = async |sql: &str| -> Vec<serde_json::Value> {
        let rows: Vec<Row> = db.rows(sql, &[]).await.expect("view reads");
        rows.into_iter().map(|r| r.row).collect()
    };
    let settlements = "SELECT jsonb_build_array(epoch, status, active_after, contributors -> 'lifetime_total') AS row \
                       FROM settlement";
    let posted = "SELECT jsonb_object_agg(f.key, f.value) AS row FROM fact, jsonb_each(fields) f \
                  WHERE f.key LIKE 'posted_%'";
    let facts = |epoch, contributors, validators| {
        serde_json::json!({
            "posted_epoch": epoch, "posted_contributors": contributors, "posted_validators": validators
        })
    };
    let mut seen = Vec::new();
    for record in &world.history {
        ingest(&db, record).await.expect("ingests");
        if record.events[0].subject() == openledger_interface::pda::payout_config() {
            seen.push((record.events[0].name(), read(settlements).await, read(posted).await));
        }
    }
    let row = |status, active_after, total: &str| vec![serde_json::json!([1, status, active_after, total])];
    assert_eq!(
        seen,
        [
            ("SettlementPosted", row("posted", 790, "1199"), vec![facts("1", "1199", "149")]),
            ("SettlementChallenged", row("challenged", 790, "1199"), vec![facts("1", "1199", "149")]),
            ("ChallengeResolved", row("posted", 795, "1199"), vec![facts("1", "1199", "149")]),
            ("SettlementChallenged", row("challenged", 795, "1199"), vec![facts("1", "1199", "149")]),
            ("ChallengeResolved", row("rejected", 795, "1199"), vec![facts("0", "0", "0")]),
            ("SettlementPosted", row("posted", 800, "1200"), vec![facts("1", "1200", "150")]),
            ("SettlementActivated", row("active", 800, "1200"), vec![facts("1", "1200", "150")]),
        ]
    );
    let prepaid = "SELECT jsonb_build_array(owner, amount, debited, withdrawing) AS row FROM prepaid";
    assert_eq!(read(prepaid).await, [serde_json::json!([world.payer.to_string(), "500", "300", "100"])]);
}

/// Sums that differ from those over the events, and batches whose places differ from those that their events give.
const WRONG_SUMS: &str = "
    WITH counted AS (
        SELECT c.tally AS kind, c.key, count(*) AS events, sum(c.amount) AS amount,
               count(*) FILTER (WHERE NOT e.finalized) AS provisional
        FROM entry e CROSS JOIN LATERAL counted(e.kind, e.subject, e.data) c WHERE c.key IS NOT NULL GROUP BY 1, 2
    ), numbered AS (SELECT subject, program, count(*) AS events, sum(sequence) AS numbers FROM event GROUP BY 1, 2),
    placed AS (
        SELECT p.* FROM event o CROSS JOIN LATERAL batch_places(o.data ->> 'batch') p WHERE o.kind = 'BatchOpened'
    )
    SELECT to_jsonb(d)::text FROM ((SELECT * FROM tally WHERE events <> 0 EXCEPT TABLE counted)
        UNION ALL (TABLE counted EXCEPT TABLE tally)) d
    UNION ALL
    SELECT to_jsonb(d)::text FROM ((SELECT * FROM subject WHERE events <> 0 EXCEPT TABLE numbered)
        UNION ALL (TABLE numbered EXCEPT TABLE subject)) d
    UNION ALL
    SELECT to_jsonb(d)::text FROM ((TABLE batch_place EXCEPT TABLE placed)
        UNION ALL (TABLE placed EXCEPT TABLE batch_place)) d";

#[tokio::test]
async fn i1_sums_are_those_over_the_events_whatever_came_and_went() {
    let (server, world) = (Server::start(), world());
    let db = server.database("sums").await;
    let wrong = async || -> Vec<String> {
        let rows = db.query(WRONG_SUMS, &[]).await.expect("reads");
        rows.iter().map(|row| row.get(0)).collect()
    };
    for record in world.history.iter().rev() {
        ingest(&db, record).await.expect("ingests");
    }
    assert_eq!(wrong().await, [] as [String; 0]);
    let parts: [Vec<_>; 3] = [0, 1, 2].map(|n| world.history.iter().skip(n).step_by(3).collect());
    let signatures: Vec<&str> = parts[0].iter().map(|t| t.signature.as_str()).collect();
    let slots: Vec<i64> = parts[0].iter().map(|t| t.slot as i64).collect();
    assert_eq!(confirm(&db, &signatures, &slots).await.expect("writes"), signatures.len() as u64);
    assert_eq!(confirm(&db, &signatures, &slots).await.expect("writes"), 0);
    for record in &parts[1] {
        assert!(roll_back(&db, &record.signature).await.expect("rolls back"));
    }
    assert_eq!(wrong().await, [] as [String; 0]);
    for record in &parts[2] {
        let moved = TransactionRecord { slot: record.slot + 1, ..(*record).clone() };
        assert_eq!(ingest(&db, &moved).await.expect("moves"), Outcome::Replaced(record.events.len()));
    }
    for record in &parts[1] {
        ingest(&db, record).await.expect("ingests");
    }
    assert_eq!(wrong().await, [] as [String; 0]);
    assert_eq!(gaps(&db).await.expect("reads"), []);
}
