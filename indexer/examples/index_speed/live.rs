//! How soon the whole service serves what the node has confirmed, over an index that has a long history.

use crate::{
    node::{Node, Shape},
    percentiles,
};
use clap::Parser;
use openledger_indexer::config::{Cli, Command};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    net::TcpListener,
    time::{Duration, Instant},
};
use tokio::{
    sync::{mpsc, oneshot},
    time::{MissedTickBehavior, interval, sleep, timeout},
};

/// A cluster's slot.
const SLOT: Duration = Duration::from_millis(400);
/// Transactions in a slot.
const IN_SLOT: u64 = 10;
/// Transactions that come all at once.
const BURST: u64 = 5_000;
/// Longest wait for what must come.
const PATIENCE: Duration = Duration::from_secs(120);

/// Passes on the request of each payment that the live feed tells, with the time at which it came.
async fn listen(base: String, told: mpsc::UnboundedSender<(String, Instant)>) {
    let mut stream = reqwest::get(format!("{base}/v1/events/stream?name=Paid")).await.expect("answers");
    let mut text = String::new();
    while let Ok(Some(part)) = stream.chunk().await {
        text += &String::from_utf8_lossy(&part);
        while let Some((message, rest)) = text.split_once("\n\n") {
            let data = message.lines().find_map(|line| line.strip_prefix("data:"));
            if let Some(row) = data.and_then(|data| serde_json::from_str::<Value>(data).ok()) {
                let signature = row["signature"].as_str().unwrap_or_default().to_owned();
                if told.send((signature, Instant::now())).is_err() {
                    return;
                }
            }
            text = rest.to_owned();
        }
    }
}

/// Runs the service on the index of `url` and gives the node `IN_SLOT` transactions a slot for `seconds` seconds, from
/// `first_slot` on; then [`BURST`] at once. Returns how long it took until the feed told them, and what the burst's rate was.
pub async fn measure(url: &str, first_slot: u64, seconds: usize) -> (Value, Value) {
    let node = Node::start(Shape { first_slot, in_slot: IN_SLOT, payments: 1 }, 0).await;
    let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    let (listen_on, base) = (format!("127.0.0.1:{port}"), format!("http://127.0.0.1:{port}"));
    let arguments =
        ["indexer", "run", "--database", url, "--rpc", &node.http, "--ws", &node.ws, "--listen", &listen_on];
    let Command::Run(arguments) = Cli::parse_from(arguments).command else { unreachable!("run") };
    let (stop, stopped) = oneshot::channel::<()>();
    let service = tokio::spawn(openledger_indexer::run(*arguments, async { _ = stopped.await }));
    while reqwest::get(format!("{base}/v1/status")).await.is_err() {
        sleep(Duration::from_millis(50)).await;
    }
    let (told, mut heard) = mpsc::unbounded_channel();
    tokio::spawn(listen(base, told));
    // Subscription and feed stand.
    sleep(Duration::from_secs(3)).await;

    let mut published = HashMap::new();
    let mut slots = interval(SLOT);
    slots.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for _ in 0..(seconds as f64 / SLOT.as_secs_f64()) as usize {
        slots.tick().await;
        let at = Instant::now();
        let first = node.add(IN_SLOT);
        published.extend((first..first + IN_SLOT).map(|n| (name(n), at)));
    }
    let mut times = Vec::new();
    while times.len() < published.len() {
        let (signature, at) = timeout(PATIENCE, heard.recv()).await.expect("in time").expect("goes on");
        times.push(at - published[&signature]);
    }
    let samples = times.len();
    let (p50, p99) = percentiles(times);

    let begun = Instant::now();
    node.add(BURST);
    for _ in 0..BURST {
        timeout(PATIENCE, heard.recv()).await.expect("in time").expect("goes on");
    }
    let took = begun.elapsed().as_secs_f64();
    let _ = stop.send(());
    service.await.expect("no panic").expect("ends well");
    (
        json!({ "samples": samples, "in_slot": IN_SLOT, "p50_ms": p50, "p99_ms": p99 }),
        json!({ "events": BURST, "seconds": took, "events_per_second": BURST as f64 / took }),
    )
}

fn name(n: u64) -> String {
    bs58::encode(crate::node::signature(n)).into_string()
}
