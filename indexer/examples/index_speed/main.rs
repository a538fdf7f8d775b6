//! Measures the index, for `cargo xtask bench indexer`, over a real PostgreSQL that writes durably. It writes what it finds
//! to the file `json=FILE` as JSON.
//!
//! - `what=history payments=N`: fills an index with a history of N payments, and measures every route, the size of the
//!   database, and how soon new transactions are served while the whole service runs.
//! - `what=backfill events=N`: reads a ledger of N events into an empty index.

mod backfill;
mod live;
mod node;
mod routes;
#[path = "../../tests/support/scale.rs"]
mod scale;

use openledger_indexer::db::Database;
use openledger_postgres::Postgres;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// A server that writes durably, in a folder that goes with this.
pub struct Server {
    pub postgres: Postgres,
    _folder: tempfile::TempDir,
}

impl Server {
    fn start() -> Self {
        // Not in the temporary folder, which may be in memory. PostgreSQL's account must be able to enter it.
        let folder = tempfile::Builder::new().prefix("openledger-bench-").tempdir_in("/var/tmp").expect("a folder");
        let postgres = Postgres::start(Some(&folder.path().join("data"))).expect("a PostgreSQL server starts");
        Self { postgres, _folder: folder }
    }
}

/// The places of 50 and 99 of 100 among `times`, in milliseconds.
pub fn percentiles(mut times: Vec<Duration>) -> (f64, f64) {
    times.sort();
    let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)].as_secs_f64() * 1e3;
    (at(50), at(99))
}

/// The size of the database of `db` in bytes, and of its tables with their indexes, the largest first.
async fn sizes(db: &Database) -> Value {
    let size = "SELECT pg_database_size(current_database())";
    let tables = "SELECT c.relname::text, pg_total_relation_size(c.oid), pg_indexes_size(c.oid)
                  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                  WHERE n.nspname = 'indexer' AND c.relkind = 'r' ORDER BY 2 DESC LIMIT 6";
    let tables = db.query(tables, &[]).await.expect("reads");
    let table = |row: &openledger_indexer::db::Row| json!({ "name": row.get::<_, &str>(0), "bytes": row.get::<_, i64>(1), "of_indexes": row.get::<_, i64>(2) });
    json!({
        "database": db.query_one(size, &[]).await.expect("reads").get::<_, i64>(0),
        "tables": tables.iter().map(table).collect::<Vec<_>>(),
    })
}

#[tokio::main]
async fn main() {
    tracing_subscriber::fmt().with_env_filter("warn").with_writer(std::io::stderr).init();
    let arguments: HashMap<String, String> = std::env::args()
        .skip(1)
        .map(|a| a.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())).expect("NAME=VALUE"))
        .collect();
    let number = |name: &str| arguments.get(name).map(|n| n.parse::<usize>().expect("a number"));
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let begun = Instant::now();
    let mut found = match arguments.get("what").map(String::as_str) {
        Some("history") => {
            let (payments, seconds) = (number("payments").expect("payments=N"), number("seconds").unwrap_or(60));
            let server = Server::start();
            let url = server.postgres.create_database("bench").expect("a database is made");
            let db = Database::open(&url).await.expect("opens");
            let history = scale::History::of(payments, 0);
            history.fill(&db, node::GENESIS).await;
            eprintln!("filled in {:.0?}", begun.elapsed());
            let routes = routes::measure(&server, &db, &url, &history, number("asked").unwrap_or(100)).await;
            eprintln!("routes measured after {:.0?}", begun.elapsed());
            let size = sizes(&db).await;
            let (slot_to_api, burst) = live::measure(&url, 2 * payments as u64 + 1_000, seconds).await;
            json!({ "payments": payments, "routes": routes, "size": size, "slot_to_api": slot_to_api, "burst": burst })
        }
        Some("backfill") => backfill::measure(&Server::start(), number("events").expect("events=N")).await,
        _ => panic!("what=history or what=backfill"),
    };
    found["seconds"] = begun.elapsed().as_secs_f64().into();
    found["load_at_start"] = load.split(' ').next().unwrap_or_default().into();
    let file = arguments.get("json").expect("json=FILE");
    std::fs::write(file, format!("{found:#}\n")).expect("writes");
}
