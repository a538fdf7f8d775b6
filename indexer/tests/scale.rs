//! Tests that no answer reads the whole history. `OPENLEDGER_SCALE=1000000 cargo test -p openledger-indexer --test scale --
//! --nocapture` does the same over a million payments, and prints how long each route takes.

mod support;

use openledger_indexer::{api, datasource::Source, db::Database, metrics::Metrics};
use openledger_sdk::client::Client;
use std::time::{Duration, Instant};
use support::{Server, key};
use tokio::sync::oneshot;

/// Fills the ledger's tables with `$N` payments and a tenth as many contributions, and their sums at once.
const FILL: &str = "
    CREATE FUNCTION address(kind text, n bigint) RETURNS text LANGUAGE sql IMMUTABLE AS
        $$ SELECT CASE kind || n WHEN 'M7' THEN '$MODEL' WHEN 'D1' THEN '$DATANET' WHEN 'U7' THEN '$PAYER'
                  WHEN 'W3' THEN '$OPERATOR' WHEN 'C3' THEN '$CONTRIBUTOR' ELSE kind || lpad(n::text, 43, 'x') END $$;
    CREATE FUNCTION name(n bigint) RETURNS text LANGUAGE sql IMMUTABLE AS
        $$ SELECT encode(sha256(n::text::bytea), 'hex') $$;
    ALTER TABLE event DISABLE TRIGGER USER;
    INSERT INTO chain (genesis) VALUES ('genesis');
    INSERT INTO transaction (signature, slot, place, failed, finalized)
    SELECT name(n), n, 0, false, n < $N FROM generate_series(1, 2 * $N) n;
    INSERT INTO event (signature, place, program, kind, subject, sequence, data, slot)
    SELECT name(n), 0, 'datanet', 'DatanetCreated', address('D', n), 0, jsonb_build_object(
        'owner', address('O', n), 'id', n::text, 'name', 'A Datanet', 'metadata_uri', 'x',
        'metadata_hash', repeat('0', 64), 'licence', 'MIT', 'modality', 'text', 'access', 'open', 'min_bond', '5',
        'panel_size', 3, 'quorum', 1), n FROM generate_series(1, $N / 10000 + 1) n;
    INSERT INTO event (signature, place, program, kind, subject, sequence, data, slot)
    SELECT name(n), 1, 'model', 'ModelRegistered', address('M', n), 0, jsonb_build_object(
        'owner', address('O', n % 300), 'id', n::text, 'name', 'A model', 'base_hash', repeat('0', 64), 'parent', null,
        'price_in', '10', 'price_out', '20'), n FROM generate_series(1, $N / 1000) n;
    INSERT INTO event (signature, place, program, kind, subject, sequence, data, slot)
    SELECT name(n), 2, 'model', 'JobRequested', address('J', n), 0, jsonb_build_object(
        'model', address('M', n), 'number', '0', 'requester', address('O', n % 300), 'config_hash', repeat('0', 64),
        'seed', '7', 'snapshots', '[]'::jsonb, 'budget', '9', 'taking_slot', '9'), n
    FROM generate_series(1, $N / 1000) n;
    INSERT INTO event (signature, place, program, kind, subject, sequence, data, slot)
    SELECT name(n), 3, 'stake', 'OperatorRegistered', address('P', n), 0, jsonb_build_object(
        'owner', address('W', n), 'identity', address('I', n), 'endpoint', 'http://x', 'capabilities', 7), n
    FROM generate_series(1, 20) n;
    INSERT INTO event (signature, place, program, kind, subject, sequence, data, slot)
    SELECT name(n), 4, 'datanet', 'BatchOpened', address('D', 1), 2 * n - 1, jsonb_build_object(
        'batch', address('B', n), 'index', n::text, 'contributor', address('C', n % 500), 'bond', '5'), n
    FROM generate_series(1, $N / 50) n;
    INSERT INTO event (signature, place, program, kind, subject, sequence, data, slot)
    SELECT name(n), 5, 'datanet', 'BatchSubmitted', address('B', n), 0, jsonb_build_object(
        'root', repeat('1', 64), 'count', '5', 'manifest', repeat('2', 64), 'commit_until', '5', 'reveal_until', '6'), n
    FROM generate_series(1, $N / 50) n;
    INSERT INTO leaf SELECT address('B', n), p, sha256((n * 5 + p)::text::bytea), name(n)
    FROM generate_series(1, $N / 50) n, generate_series(0, 4) p;
    INSERT INTO event (signature, place, program, kind, subject, sequence, data, slot)
    SELECT name(n), 6, 'datanet', 'BatchAccepted', address('D', 1), 2 * n, jsonb_build_object(
        'batch', address('B', n), 'index', n::text, 'place', n::text, 'contributor', address('C', n % 500),
        'root', repeat('1', 64), 'count', '5', 'quality', 9000, 'datanet_root', repeat('3', 64)), n
    FROM generate_series(1, $N / 50) n;
    INSERT INTO event (signature, place, program, kind, subject, sequence, data, slot)
    SELECT name($N + n), 0, 'payout', 'Paid', address('S', n % 16), n / 16, jsonb_build_object(
        'request', name(n), 'payer', address('U', n % 5000), 'model',
        address('M', CASE WHEN n % 3 = 0 THEN 7 ELSE 1 + n % ($N / 1000) END), 'operator', address('W', 1 + n % 20),
        'amount', '1000', 'treasury', '100', 'model_owner', '200', 'upstream', '0', 'compute', '250',
        'validators', '50', 'contributors', '400', 'epoch', '1'), $N + n FROM generate_series(0, $N - 1) n;
    INSERT INTO subject SELECT subject, min(program), count(*), sum(sequence) FROM event GROUP BY subject;
    INSERT INTO tally
    SELECT c.tally, c.key, count(*), sum(c.amount), count(*) FILTER (WHERE NOT e.finalized)
    FROM entry e CROSS JOIN LATERAL counted(e.kind, e.subject, e.data) c WHERE c.key IS NOT NULL GROUP BY 1, 2;
    INSERT INTO batch_place
    SELECT p.* FROM event o CROSS JOIN LATERAL batch_places(o.data ->> 'batch') p WHERE o.kind = 'BatchOpened';
    ALTER TABLE event ENABLE TRIGGER USER;
    ANALYZE;
";

/// How often each route is asked.
const ASKED: usize = 20;

/// How many rows of the history's tables were read one after another.
async fn read_in_order(db: &Database) -> i64 {
    // Each session tells what it did within a second after it.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let sql = "SELECT coalesce(sum(seq_tup_read), 0)::bigint FROM pg_stat_user_tables
               WHERE relname IN ('event', 'transaction', 'leaf')";
    db.query(sql, &[]).await.expect("reads")[0].get(0)
}

#[tokio::test]
async fn no_route_reads_the_whole_history() {
    let payments: usize = std::env::var("OPENLEDGER_SCALE").map_or(20_000, |n| n.parse().expect("a number"));
    let server = Server::start();
    let url = server.url("scale");
    let db = Database::open(&url).await.expect("the schema migrates");
    let [model, datanet, payer, operator, contributor] = [1, 2, 3, 4, 5].map(|n| key(n).to_string());
    let fill = FILL
        .replace("$N", &payments.to_string())
        .replace("$MODEL", &model)
        .replace("$DATANET", &datanet)
        .replace("$PAYER", &payer)
        .replace("$OPERATOR", &operator)
        .replace("$CONTRIBUTOR", &contributor);
    db.run(&fill).await.expect("fills");

    let reader = Database::reader(&url).expect("a URL");
    let source =
        Source::new(Client::new("http://127.0.0.1:9", "ws://127.0.0.1:9"), db.clone(), Metrics::new().unwrap());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("bound"));
    let (_stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(api::serve(api::State::new(&source, reader, None), listener, async { _ = stopped.await }));

    let leaf = hex::encode(openledger_protocol::hash::sha256(&[b"77"]));
    let request = hex::encode(openledger_protocol::hash::sha256(&[b"77"]));
    let routes = [
        "/v1/status".to_owned(),
        "/v1/datanets".into(),
        "/v1/models?limit=500".into(),
        "/v1/models?status=draft".into(),
        format!("/v1/models/{model}"),
        "/v1/jobs".into(),
        format!("/v1/jobs?model={model}"),
        "/v1/batches".into(),
        "/v1/batches?status=accepted&limit=500".into(),
        "/v1/batches?status=open".into(),
        format!("/v1/batches?contributor={contributor}"),
        format!("/v1/batches?datanet={datanet}&status=accepted"),
        format!("/v1/datanets/{datanet}"),
        format!("/v1/datanets/{datanet}/contributions"),
        format!("/v1/datanets/{datanet}/contributions?status=accepted"),
        "/v1/receipts".into(),
        format!("/v1/receipts?model={model}"),
        format!("/v1/receipts?payer={payer}"),
        format!("/v1/receipts?operator={operator}"),
        format!("/v1/receipts?after_slot={payments}&until_slot={}", payments + payments / 2),
        format!("/v1/receipts/{request}"),
        "/v1/funding".into(),
        "/v1/settlements".into(),
        "/v1/operators".into(),
        "/v1/committees".into(),
        format!("/v1/events?after={}", payments / 2),
        "/v1/events?name=OperatorRegistered".into(),
        "/v1/events?program=stake".into(),
        format!("/v1/claims/{contributor}"),
        format!("/v1/contributions/{leaf}"),
    ];
    let client = reqwest::Client::new();
    let before = read_in_order(&db).await;
    for route in &routes {
        let mut took = Vec::new();
        for _ in 0..ASKED {
            let begun = Instant::now();
            let answer = client.get(format!("{base}{route}")).send().await.expect("answers");
            // A proof needs all leaves of a batch that makes the root, which this history does not have.
            assert!(answer.status().is_success() || route.contains(&leaf), "{route}: {}", answer.status());
            answer.bytes().await.expect("a body");
            took.push(begun.elapsed());
        }
        took.sort();
        println!("{route}: p50 {:?}, most {:?}", took[ASKED / 2], took[ASKED - 1]);
    }
    let read = read_in_order(&db).await - before;
    assert!(read < payments as i64, "the answers read {read} rows of the history one after another");
}
