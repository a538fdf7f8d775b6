//! Tests that everything works through a PgBouncer that gives each transaction another session of the server.

use openledger_database::{Database, DbError, Settings, migrate};
use openledger_postgres::{PgBouncer, Postgres};
use std::time::{Duration, Instant};

mod embedded {
    refinery::embed_migrations!("oracle");
}

/// Sessions behind the pooler. Few, so that transactions must share them.
const SESSIONS: usize = 3;

fn settings(schema: &str) -> Settings<'_> {
    Settings { schema, name: "a-test", connections: 8, read_only: false, within: None, durable: false }
}

/// A server, a pooler before it, and the URLs of a database straight and through the pooler.
fn servers() -> (Postgres, PgBouncer, [String; 2]) {
    let server = Postgres::start(None).expect("a PostgreSQL server starts");
    let pooler = PgBouncer::start(&server, SESSIONS).expect("a PgBouncer starts");
    let straight = server.create_database("pooled").expect("a database is made");
    let pooled = pooler.url(&server, &straight);
    (server, pooler, [straight, pooled])
}

#[tokio::test]
async fn nothing_needs_a_session_of_its_own() {
    let (_server, _pooler, [_, url]) = servers();
    let db = Database::connect(&url, &settings("one")).await.expect("connects");
    let other = Database::connect(&url, &settings("two")).await.expect("connects");
    for (db, schema) in [(&db, "one"), (&other, "two")] {
        db.run(&format!("CREATE SCHEMA {schema}; CREATE TABLE t (n bigint PRIMARY KEY, name text)"))
            .await
            .expect(schema);
    }
    // Many at once, so that each statement meets a session that another has used, of another schema.
    let write = async |db: &Database, n: i64| {
        db.execute("INSERT INTO t VALUES ($1, $2)", &[&n, &format!("{n}")]).await.expect("inserts");
        let row = db.query_one("SELECT name FROM t WHERE n = $1", &[&n]).await.expect("reads");
        assert_eq!(row.get::<_, String>(0), n.to_string());
    };
    let mut all = Vec::new();
    for n in 0..200 {
        all.push(write(if n % 2 == 0 { &db } else { &other }, n));
    }
    futures::future::join_all(all).await;
    for db in [&db, &other] {
        assert_eq!(db.query_one("SELECT count(*) FROM t", &[]).await.expect("reads").get::<_, i64>(0), 100);
    }
    let sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'a-test'";
    let sessions: i64 = db.query_one(sessions, &[]).await.expect("reads").get(0);
    assert!(sessions as usize <= SESSIONS, "{sessions} sessions: the pooler did not share them");
    let named = db.query_one("SELECT count(*) FROM pg_prepared_statements", &[]).await.expect("reads");
    assert_eq!(named.get::<_, i64>(0), 0);
}

#[tokio::test]
async fn a_transaction_is_whole_or_undone_and_its_lock_ends_with_it() {
    let (_server, _pooler, [straight, url]) = servers();
    for url in [straight, url] {
        let db = Database::connect(&url, &settings("one")).await.expect("connects");
        db.run("DROP SCHEMA IF EXISTS one CASCADE; CREATE SCHEMA one; CREATE TABLE t (n bigint)").await.expect("made");
        let count = async || db.query_one("SELECT count(*) FROM t", &[]).await.expect("reads").get::<_, i64>(0);
        let dropped = db.begin().await.expect("begins");
        dropped.query("SELECT pg_advisory_xact_lock(7)", &[]).await.expect("locked");
        assert_eq!(dropped.execute("INSERT INTO t VALUES ($1)", &[&1i64]).await.expect("inserts"), 1);
        drop(dropped);
        let whole = db.begin().await.expect("begins");
        whole.query("SELECT pg_advisory_xact_lock(7)", &[]).await.expect("the lock is free");
        assert_eq!(whole.execute("INSERT INTO t VALUES ($1)", &[&2i64]).await.expect("inserts"), 1);
        assert_eq!(count().await, 0);
        whole.commit().await.expect("commits");
        assert_eq!(count().await, 1);
        // One in which a statement has failed cannot count.
        let failed = db.begin().await.expect("begins");
        failed.execute("INSERT INTO t VALUES ($1)", &[&4i64]).await.expect("inserts");
        failed.run("SELECT 1 / 0").await.expect_err("fails");
        let error = failed.commit().await.expect_err("is undone").to_string();
        assert!(error.contains("aborted"), "{error}");
        // A statement that fails alone undoes itself and leaves its connection usable.
        db.run("INSERT INTO t VALUES (3); SELECT 1 / 0").await.expect_err("fails");
        let error = db.query("SELECT $1 / 0", &[&1i64]).await.expect_err("fails");
        assert!(error.is_about_content() && error.to_string().contains("division by zero"), "{error}");
        assert_eq!(count().await, 1);
    }
}

#[tokio::test]
async fn who_only_reads_cannot_write_and_waits_only_so_long() {
    let (_server, _pooler, [straight, url]) = servers();
    for url in [straight, url] {
        let within = Some(Duration::from_millis(300));
        let reader = Settings { read_only: true, within, ..settings("public") };
        let db = Database::new(&url, &reader).expect("a URL");
        let error = db.run("CREATE TABLE t (n bigint)").await.expect_err("refused").to_string();
        assert!(error.contains("read-only"), "{error}");
        let begun = Instant::now();
        db.query("SELECT pg_sleep(9)", &[]).await.expect_err("too slow");
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        assert_eq!(db.query_one("SELECT 1", &[]).await.expect("goes on").get::<_, i32>(0), 1);
    }
}

#[tokio::test]
async fn those_who_migrate_at_once_wait_for_one_another() {
    let (_server, _pooler, [straight, url]) = servers();
    let of = async |url: &str| {
        let db = Database::connect(url, &settings("operator")).await?;
        migrate(&db, "operator", &embedded::migrations::runner()).await?;
        let applied = db.query("SELECT version FROM refinery_schema_history", &[]).await?;
        Ok::<usize, DbError>(applied.len())
    };
    let (a, b, c) = futures::join!(of(&url), of(&url), of(&straight));
    let known = embedded::migrations::runner().get_migrations().len();
    assert_eq!([a.expect("migrates"), b.expect("migrates"), c.expect("migrates")], [known; 3]);
}
