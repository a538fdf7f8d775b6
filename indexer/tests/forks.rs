//! Tests of the index behind a node whose cluster forks, and behind one that lies.

mod support;

use anchor_lang::Event as _;
use openledger_indexer::{
    datasource::{Source, Taken, backfill, retry},
    db::Database,
    ingest,
    reconcile::{close_gaps, finalise},
};
use openledger_interface::{Program, pda};
use serde_json::{Value, json};
use stake::state::Role;
use support::{
    Server, key,
    node::{Entry, Node},
};

/// An event of one position, whose amount tells it from others with the same number.
fn staked(owner: u8, sequence: u64, amount: u64) -> Vec<u8> {
    let (position, owner) = (pda::position(&key(owner), Role::Operator), key(owner));
    stake::events::Staked { position, sequence, owner, role: Role::Operator, added: 1, amount }.data()
}

/// A transaction with one event.
fn stakes(number: u8, slot: u64, owner: u8, sequence: u64, amount: u64) -> Entry {
    Entry::new(number, slot, Program::Stake, [staked(owner, sequence, amount)])
}

/// Every event: the number of its transaction, its slot, its own number, the amount, and whether it is final.
async fn rows(db: &Database) -> Vec<Value> {
    #[derive(serde::Deserialize)]
    struct Row {
        row: Value,
        signature: String,
    }
    let sql = "SELECT jsonb_build_array(slot, sequence, data ->> 'amount', finalized) AS row, signature FROM entry
               ORDER BY subject, sequence";
    let rows: Vec<Row> = db.rows(sql, &[]).await.expect("reads");
    rows.into_iter()
        .map(|r| {
            let number = bs58::decode(&r.signature).into_vec().expect("Base58")[0];
            let mut row = vec![json!(number)];
            row.extend(r.row.as_array().expect("a list").iter().cloned());
            Value::Array(row)
        })
        .collect()
}

/// Makes everything in quarantine due, and does what the indexer does in one round.
async fn round(source: &Source) -> Taken {
    source.db.execute("UPDATE quarantine SET next_try = now()", &[]).await.expect("writes");
    let taken = backfill(source).await.expect("the node answers");
    retry(source).await.expect("the node answers");
    finalise(source).await.expect("the node answers");
    taken
}

async fn index(name: &str, node: &Node) -> (Server, Source) {
    let server = Server::start();
    let db = server.database(name).await;
    openledger_indexer::checkpoint::bind_cluster(&db, support::node::GENESIS).await.expect("bound");
    let source = node.source(db);
    (server, source)
}

#[tokio::test]
async fn i1_a_transaction_that_moves_to_another_slot_is_read_again_before_it_is_final() {
    let node = Node::start(20, 5, vec![stakes(1, 10, 1, 0, 100)]).await;
    let (_server, source) = index("moves", &node).await;
    round(&source).await;
    assert_eq!(rows(&source.db).await, [json!([1, 10, 0, "100", false])]);
    // The cluster kept another fork, in which the transaction did something else.
    *node.ledger().entry(1) = stakes(1, 12, 1, 0, 70);
    node.finalise(11);
    round(&source).await;
    assert_eq!(rows(&source.db).await, [json!([1, 12, 0, "70", false])]);
    node.finalise(12);
    round(&source).await;
    assert_eq!(rows(&source.db).await, [json!([1, 12, 0, "70", true])]);
}

#[tokio::test]
async fn i1_finality_alone_finds_out_that_a_transaction_has_moved() {
    let node = Node::start(20, 5, vec![stakes(1, 10, 1, 0, 100)]).await;
    let (_server, source) = index("finality", &node).await;
    round(&source).await;
    *node.ledger().entry(1) = stakes(1, 12, 1, 0, 70);
    node.finalise(30);
    // No listing comes first.
    assert_eq!(finalise(&source).await.expect("answers"), 1);
    assert_eq!(rows(&source.db).await, [json!([1, 12, 0, "70", true])]);
}

#[tokio::test]
async fn one_transaction_that_cannot_be_confirmed_stops_no_other() {
    let node = Node::start(20, 5, (1..=3).map(|n| stakes(n, 10, n, 0, 100)).collect()).await;
    let (_server, source) = index("silent", &node).await;
    round(&source).await;
    node.ledger().entry(1).silent = true;
    // The status of the second says that it moved, and the node does not return it.
    (node.ledger().entry(2).slot, node.ledger().entry(2).returned) = (11, false);
    node.finalise(10);
    round(&source).await;
    let last: Vec<Value> = rows(&source.db).await.iter().map(|r| json!([r[0], r[4]])).collect();
    assert_eq!(
        last.iter().filter(|r| r[1] == true).collect::<Vec<_>>(),
        [&json!([3, true])],
        "only the third is final: {last:?}"
    );
    assert_eq!(source.metrics.unconfirmed.get(), 2);
    node.ledger().entry(1).silent = false;
    node.ledger().entry(2).returned = true;
    node.finalise(11);
    round(&source).await;
    round(&source).await;
    assert!(rows(&source.db).await.iter().all(|r| r[4] == true));
}

#[tokio::test]
async fn i1_transactions_that_changed_places_are_both_read_again() {
    let node = Node::start(20, 5, vec![stakes(1, 10, 1, 0, 100), stakes(2, 11, 1, 1, 101)]).await;
    let (_server, source) = index("places", &node).await;
    round(&source).await;
    node.ledger().entries = vec![stakes(2, 12, 1, 0, 200), stakes(1, 13, 1, 1, 201)];
    node.finalise(20);
    for _ in 0..4 {
        round(&source).await;
    }
    assert_eq!(rows(&source.db).await, [json!([2, 12, 0, "200", true]), json!([1, 13, 1, "201", true])]);
    assert_eq!(ingest::number(&source.db).await.expect("reads"), 0);
}

#[tokio::test]
async fn a_lie_about_success_never_becomes_final() {
    let mut lie = stakes(1, 10, 1, 0, 100);
    (lie.failed, lie.praised) = (true, true);
    let node = Node::start(20, 5, vec![lie, stakes(2, 11, 2, 0, 5)]).await;
    let (_server, source) = index("lie", &node).await;
    round(&source).await;
    node.finalise(20);
    round(&source).await;
    round(&source).await;
    assert_eq!(rows(&source.db).await.iter().filter(|r| r[4] == true).count(), 1);
    assert!(rows(&source.db).await.iter().all(|r| r[4] == (r[0] == 2)));
    // The node gives up its lie.
    node.ledger().entry(1).praised = false;
    round(&source).await;
    round(&source).await;
    assert_eq!(rows(&source.db).await, [json!([2, 11, 0, "5", true])]);
}

#[tokio::test]
async fn i1_a_node_that_drops_repeats_and_reorders_leaves_the_same_rows() {
    let all = || (0..6).map(|n| stakes(n + 1, 10 + u64::from(n), 1, n.into(), 100 + u64::from(n))).collect::<Vec<_>>();
    let honest = Node::start(40, 30, all()).await;
    let (_server, source) = index("honest", &honest).await;
    round(&source).await;
    let expected = rows(&source.db).await;
    assert_eq!(expected.len(), 6);

    let node = Node::start(40, 30, all()).await;
    let (_server, source) = index("confused", &node).await;
    node.ledger().confused = true;
    node.ledger().entry(3).listed = false;
    // A transaction of a fork that the cluster left.
    node.ledger().entries.push(stakes(9, 35, 1, 6, 9));
    round(&source).await;
    assert_eq!(rows(&source.db).await.len(), 6);
    node.ledger().entries.pop();
    // It is named where its account's history is asked for.
    node.ledger().entry(3).listed = true;
    node.finalise(50);
    round(&source).await;
    close_gaps(&source).await.expect("answers");
    round(&source).await;
    assert_eq!(rows(&source.db).await, expected);
}
