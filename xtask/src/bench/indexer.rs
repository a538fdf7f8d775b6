//! Measures the index: every route over a long history, how soon the chain's newest is served, and how fast a ledger is
//! read.

use std::{fmt::Write, fs, path::Path, process::Command};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::json;

use super::{
    examples::{build_released_example, folder},
    goal::{self, Goal},
    machine,
    options::Options,
};
use crate::{paths, process::run_quietly, progress::say};

const COMMAND: &str = "cargo xtask bench indexer --record";

/// The longest that 99 of 100 answers may take, and the longest way of a transaction from the node to the API, in
/// milliseconds.
const ROUTE_MS: f64 = 50.0;
const SLOT_TO_API_MS: f64 = 1_000.0;

/// What the example `index_speed` finds with `what=history`.
#[derive(Deserialize, Serialize)]
struct History {
    payments: u64,
    routes: Vec<Route>,
    size: Size,
    slot_to_api: SlotToApi,
    burst: Burst,
    load_at_start: String,
}

#[derive(Deserialize, Serialize)]
struct Route {
    request: String,
    status: u16,
    bytes: u64,
    p50_ms: f64,
    p99_ms: f64,
    /// How many statements it took.
    statements: u64,
    /// The steps of their plans that read a table of the history row by row.
    scans: Vec<String>,
}

#[derive(Deserialize, Serialize)]
struct Size {
    database: u64,
    tables: Vec<Table>,
}

#[derive(Deserialize, Serialize)]
struct Table {
    name: String,
    bytes: u64,
    of_indexes: u64,
}

#[derive(Deserialize, Serialize)]
struct SlotToApi {
    samples: u64,
    in_slot: u64,
    p50_ms: f64,
    p99_ms: f64,
}

#[derive(Deserialize, Serialize)]
struct Burst {
    events: u64,
    seconds: f64,
    events_per_second: f64,
}

/// What the example finds with `what=backfill`.
#[derive(Deserialize, Serialize)]
struct Backfill {
    events: u64,
    transactions: u64,
    seconds_of_backfill: f64,
    events_per_second: f64,
    size: Size,
    load_at_start: String,
}

/// All figures.
#[derive(Serialize)]
struct Figures {
    history: History,
    backfill: Backfill,
}

/// Measures, prints, and where asked to writes the page.
pub fn run(options: &Options) -> Result<()> {
    let out = folder("indexer")?;
    fs::create_dir_all(&out)?;
    let (history, backfill) = (out.join("history.json"), out.join("backfill.json"));
    if !options.kept {
        let example = build_released_example("index_speed")?;
        let measure = |arguments: Vec<String>| {
            let mut command = Command::new(&example);
            command.args(arguments);
            command
        };
        let (size, seconds, asked) = if options.quick { (20_000, 5, 20) } else { (1_000_000, 60, 100) };
        let history_of = [format!("payments={size}"), format!("seconds={seconds}"), format!("asked={asked}")];
        let to = |file: &Path| format!("json={}", file.display());
        let arguments = [vec!["what=history".to_owned(), to(&history)], history_of.to_vec()].concat();
        let doing = format!("measuring an index of {size} payments");
        run_quietly(measure(arguments), &doing, "bench-indexer-history")?;
        let arguments = vec!["what=backfill".to_owned(), format!("events={size}"), to(&backfill)];
        let doing = format!("reading a ledger of {size} events");
        run_quietly(measure(arguments), &doing, "bench-indexer-backfill")?;
    }
    let figures = Figures { history: read(&history)?, backfill: read(&backfill)? };
    let (machine, goals) = (machine::describe(), goals(&figures));
    let page = markdown(&figures, &goals, &machine)?;
    println!("{page}");
    say(&format!("the figures are in {}", out.display()));
    if options.record {
        let docs = paths::root().join("docs/benchmarks");
        fs::create_dir_all(&docs)?;
        fs::write(docs.join("indexer.md"), page)?;
        let value = json!({ "machine": machine, "command": COMMAND, "goals": goals, "figures": figures });
        fs::write(docs.join("indexer.json"), format!("{value:#}\n"))?;
        say(&format!("wrote indexer.md and indexer.json in {}", docs.display()));
    }
    Ok(())
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} is not what it should be", path.display()))
}

/// The goals, with what the figures say.
fn goals(figures: &Figures) -> Vec<Goal> {
    let Figures { history, backfill } = figures;
    let slowest = history.routes.iter().map(|route| route.p99_ms).reduce(f64::max);
    let (none, burst) = ((None, None), Some(history.burst.events_per_second));
    vec![
        Goal::new("route_p99_ms", "milliseconds, the slowest route", (Some(ROUTE_MS), None), slowest).at_most(),
        Goal::new("slot_to_api_p99_ms", "milliseconds", (Some(SLOT_TO_API_MS), None), Some(history.slot_to_api.p99_ms))
            .at_most(),
        Goal::new("events_per_second", "events a second, as they happen", none, burst),
        Goal::new("backfill_events_per_second", "events a second", none, Some(backfill.events_per_second)),
    ]
}

/// The page's text.
fn markdown(figures: &Figures, goals: &[Goal], machine: &str) -> Result<String> {
    let Figures { history, backfill } = figures;
    let mut page = format!("# The indexer\n\n`{COMMAND}`, on {machine}.\n\n{}\n", goal::table(goals));
    let scanning = history.routes.iter().filter(|route| !route.scans.is_empty()).count();
    write!(
        page,
        "PostgreSQL runs on the same machine and writes durably. The load average was {} when the first measurement began, \
         and {} when the second did. Times are of this machine, which others use too.\n\n\
         ## From the node to the API\n\n\
         {} transactions came with each slot of 400 ms while the whole service ran over a history of {} payments. From \
         when the node told of a transaction until the live feed had it: **{:.0} ms** for half of {} transactions, \
         **{:.0} ms** for 99 of 100. {} transactions at once, with an event each, were all in the feed after {:.1} s: \
         {:.0} events a second.\n\n\
         The node is a stand-in that answers at once, so that these are the indexer's own times.\n\n\
         ## Backfill\n\n\
         {} events in {} transactions were read into an empty index in {:.0} s: **{:.0} events a second**. The database \
         then had {}.\n\n",
        history.load_at_start,
        backfill.load_at_start,
        history.slot_to_api.in_slot,
        history.payments,
        history.slot_to_api.p50_ms,
        history.slot_to_api.samples,
        history.slot_to_api.p99_ms,
        history.burst.events,
        history.burst.seconds,
        history.burst.events_per_second,
        backfill.events,
        backfill.transactions,
        backfill.seconds_of_backfill,
        backfill.events_per_second,
        bytes(backfill.size.database),
    )?;
    write!(
        page,
        "## Routes\n\n\
         The history has {} payments, {} contributions and {} models. Each request is sent again and again by one client. \
         *Rows read in order* counts the steps in the plans of its statements (EXPLAIN) that read one of the tables `event`, \
         `transaction` and `leaf` from its beginning to its end: {}. The requests are all paths of the OpenAPI document, \
         and all of their parameters. Those with the status 503 need a settlement, a balance or a proof, for which this \
         history has no node and no roots; their statements are measured all the same.\n\n\
         | request | status | bytes | p50 (ms) | p99 (ms) | statements | rows read in order |\n\
         |---|---:|---:|---:|---:|---:|---:|\n",
        history.payments,
        history.payments / 10,
        history.payments / 1_000,
        if scanning == 0 { "there is none".to_owned() } else { format!("{scanning} requests have some") },
    )?;
    let mut routes: Vec<&Route> = history.routes.iter().collect();
    routes.sort_by(|a, b| b.p99_ms.total_cmp(&a.p99_ms));
    for route in routes {
        writeln!(
            page,
            "| `{}` | {} | {} | {:.1} | {:.1} | {} | {} |",
            route.request,
            route.status,
            route.bytes,
            route.p50_ms,
            route.p99_ms,
            route.statements,
            route.scans.len()
        )?;
    }
    write!(
        page,
        "\n## Size\n\nThe history's database has {}. Its largest tables:\n\n| table | size | of it indexes |\n|---|---:|---:|\n",
        bytes(history.size.database)
    )?;
    for table in &history.size.tables {
        writeln!(page, "| `{}` | {} | {} |", table.name, bytes(table.bytes), bytes(table.of_indexes))?;
    }
    page += include_str!("indexer/tried.md");
    Ok(page)
}

fn bytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures() -> Figures {
        let size = || Size {
            database: 3 << 20,
            tables: vec![Table { name: "event".into(), bytes: 2 << 20, of_indexes: 1 << 20 }],
        };
        let route = |request: &str, p99_ms, scans: &[&str]| Route {
            request: request.into(),
            status: 200,
            bytes: 7,
            p50_ms: 1.0,
            p99_ms,
            statements: 1,
            scans: scans.iter().map(|s| (*s).to_owned()).collect(),
        };
        Figures {
            history: History {
                payments: 1_000_000,
                routes: vec![route("/v1/models", 12.0, &[]), route("/v1/jobs", 51.0, &["Seq Scan on event"])],
                size: size(),
                slot_to_api: SlotToApi { samples: 100, in_slot: 10, p50_ms: 20.0, p99_ms: 80.0 },
                burst: Burst { events: 5_000, seconds: 5.0, events_per_second: 1_000.0 },
                load_at_start: "0.5".into(),
            },
            backfill: Backfill {
                events: 1_000_000,
                transactions: 250_000,
                seconds_of_backfill: 200.0,
                events_per_second: 5_000.0,
                size: size(),
                load_at_start: "0.6".into(),
            },
        }
    }

    #[test]
    fn the_page_says_what_is_met_and_what_is_not() {
        let figures = figures();
        let goals = goals(&figures);
        let of = |id: &str| goals.iter().find(|goal| goal.id == id).and_then(|goal| goal.measured);
        assert_eq!((of("route_p99_ms"), of("slot_to_api_p99_ms")), (Some(51.0), Some(80.0)));
        assert_eq!((of("events_per_second"), of("backfill_events_per_second")), (Some(1_000.0), Some(5_000.0)));
        let page = markdown(&figures, &goals, "a machine").unwrap();
        for part in ["1 requests have some", "| `/v1/jobs` | 200 | 7 | 1.0 | 51.0 | 1 | 1 |", "3.0 MiB", "was 0.5 when"]
        {
            assert!(page.contains(part), "{part} in\n{page}");
        }
        let slowest = page.find("`/v1/jobs`").unwrap();
        assert!(slowest < page.find("`/v1/models`").unwrap(), "the slowest is first");
    }
}
