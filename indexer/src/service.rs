//! The two services that join the crate's parts: `run` and `resync`.

use crate::{
    api,
    artifacts::{self, Limits, Service},
    bulk, checkpoint,
    config::{RunArgs, SourceArgs},
    datasource::{self, Source, Taken},
    db::{Beside, Database},
    ingest, listen,
    metrics::Metrics,
    reconcile,
};
use anyhow::{Context, Result, bail};
use openledger_sdk::{
    client::Client,
    store::{Location, Store},
};
use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    net::TcpListener,
    sync::Notify,
    task::JoinHandle,
    time::{MissedTickBehavior, interval, sleep, timeout},
};

/// How long the first backfill waits for the subscription. Waiting ensures that no transaction falls between the two.
const SUBSCRIBED_WITHIN: Duration = Duration::from_secs(5);
/// How often the artifact service looks what the chain names.
const SWEPT_EVERY: Duration = Duration::from_secs(60);
/// How often leaves of batches in bulk are looked for that are new or due again.
const LEAVES_EVERY: Duration = Duration::from_secs(1);
/// How long `resync` waits for transactions that the node lists and does not return.
const RESYNC_WAITS: Duration = Duration::from_secs(60);
/// Pause of `resync` while it waits.
const RESYNC_PAUSE: Duration = Duration::from_secs(1);
/// How long open answers may take after a stop was requested.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// Follows the chain and serves the API until `stop` resolves. The next run continues where this one ended, whatever
/// ended it.
pub async fn run(args: RunArgs, stop: impl Future<Output = ()> + Send) -> Result<()> {
    let listener = TcpListener::bind(args.listen)
        .await
        .with_context(|| format!("cannot listen on {}: choose another address with --listen", args.listen))?;
    let store = args.store.as_deref().map(Store::open).transpose().context("--store")?;
    let db = Database::open(&args.source.database).await?;
    let client = Client::new(args.source.rpc.clone(), args.ws.clone());
    let reader = args.read_database.as_ref().unwrap_or(&args.source.database);
    if args.read_database.is_some() {
        db.admit(reader).await.context("cannot let the role of --read-database read the index")?;
    }
    let reader = Database::reader(reader)?;
    let source = Source::new(client, db, Metrics::new()?);
    bind_cluster(&source, &args.source.rpc).await?;

    let address = listener.local_addr()?;
    tracing::info!(%address, rpc = args.source.rpc, "indexer runs: http://{address}/v1/status");
    let subscribed = Arc::new(Notify::new());
    let (server_stop, server_stopped) = tokio::sync::oneshot::channel::<()>();
    let artifacts = serve_artifacts(&args, &source, store.clone()).await?;
    let leaves = store.clone().map(|store| tokio::spawn(bulk::run(source.db.clone(), store, LEAVES_EVERY)));
    let served = api::serve(api::State::new(&source, reader, store), listener, async {
        let _ = server_stopped.await;
    });
    let mut server = tokio::spawn(served);
    let workers = [
        tokio::spawn(datasource::subscribe(source.clone(), subscribed.clone())),
        tokio::spawn(poll(source.clone(), subscribed, args.poll)),
        tokio::spawn(check(source, args.reconcile)),
    ];
    tokio::select! {
        () = stop => {
            let _ = server_stop.send(());
            // Live event streams never end by themselves.
            if timeout(STOP_WITHIN, &mut server).await.is_err() {
                server.abort();
            }
        }
        ended = &mut server => ended.context("the API failed")?,
    }
    workers.iter().chain(&artifacts).chain(&leaves).for_each(JoinHandle::abort);
    tracing::info!("stopped; the next run goes on from here");
    Ok(())
}

/// Starts the artifact service, if there is to be one. Returns its tasks.
async fn serve_artifacts(args: &RunArgs, source: &Source, store: Option<Store>) -> Result<Vec<JoinHandle<()>>> {
    let (Some(address), Some(store), Some(place)) = (args.artifacts, store, &args.store) else { return Ok(vec![]) };
    if matches!(Location::parse(place)?, Location::Service(_)) {
        bail!("--artifacts stores in a folder or a bucket: --store {place} is another artifact service");
    }
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}: choose another address with --artifacts"))?;
    let url = args.artifacts_url.clone().map_or_else(|| listener.local_addr().map(|a| format!("http://{a}")), Ok)?;
    let db = Database::artifacts(&args.source.database)?;
    let (client, limits, metrics) = (source.client.clone(), Limits::default(), source.metrics.artifacts.clone());
    let service = Service::open(db, client, store, args.uploads.clone(), &url, limits, metrics).await?;
    tracing::info!(url, "artifacts are stored and read at {url}");
    let server = listen::serve(artifacts::routes(service.clone()), listener, std::future::pending());
    let sweeper = artifacts::sweep::run(service, SWEPT_EVERY);
    Ok(vec![tokio::spawn(server), tokio::spawn(sweeper)])
}

/// Reads the whole ledger again into a schema beside the index, and then puts it in the index's place. Until then the
/// index stays as it is, and so it does if the node's history has gaps. Returns the numbers of transactions and events.
pub async fn resync(args: &SourceArgs) -> Result<(u64, u64)> {
    let client = Client::new(args.rpc.clone(), String::new());
    let genesis = genesis(&client, &args.rpc).await?;
    let beside = Beside::make(&args.database).await?;
    let source = Source::new(client, beside.db().clone(), Metrics::new()?);
    checkpoint::bind_cluster(&source.db, &genesis).await?;
    let until = Instant::now() + RESYNC_WAITS;
    loop {
        beside.is_held().await?;
        let taken = datasource::backfill(&source).await?;
        beside.is_held().await?;
        datasource::retry(&source).await?;
        beside.is_held().await?;
        reconcile::finalise(&source).await?;
        match taken {
            Taken { new: 0, left: 0 } => break,
            // Each further pass finds the transactions that happened during the one before.
            Taken { new: 1.., .. } => {}
            Taken { left, .. } if Instant::now() > until => {
                bail!("{left} transactions cannot be read yet, and the index stays as it was: try again in a minute")
            }
            Taken { .. } => sleep(RESYNC_PAUSE).await,
        }
    }
    beside.is_held().await?;
    let gaps = reconcile::close_gaps(&source).await?;
    // What is set aside leaves a gap, and is told by itself.
    let aside = ingest::number(&source.db).await?;
    if let (Some(gap), 0) = (gaps.first(), aside) {
        bail!(
            "the node's history lacks events {} to {} of {} {} (and {} other holes), and the index stays as it was: use a \
             node with the full history",
            gap.first,
            gap.last,
            gap.program,
            gap.subject,
            gaps.len() - 1
        );
    }
    if aside > 0 {
        tracing::warn!(aside, "transactions or events are set aside: see /v1/status");
    }
    beside.is_held().await?;
    beside.swap().await?;
    Ok((source.metrics.transactions.get(), source.metrics.events.get()))
}

/// Returns the genesis hash of the node's cluster. Fails if the node does not answer.
async fn genesis(client: &Client, url: &str) -> Result<String> {
    let genesis = client.rpc().get_genesis_hash().await;
    Ok(genesis.with_context(|| format!("no Solana node answers at {url}: check --rpc"))?.to_string())
}

/// Refuses a database that holds another cluster's events.
async fn bind_cluster(source: &Source, url: &str) -> Result<()> {
    let genesis = genesis(&source.client, url).await?;
    let bound = checkpoint::bind_cluster(&source.db, &genesis).await?;
    if bound != genesis {
        bail!(
            "the database holds the events of the cluster with genesis {bound}, but {url} is of cluster {genesis}: use \
             another database, or `openledger-indexer resync` to start over"
        );
    }
    Ok(())
}

/// Runs a backfill directly after each subscription or reconnection, and otherwise once per `every` for what the
/// subscription missed. It also settles finality each time.
async fn poll(source: Source, subscribed: Arc<Notify>, every: Duration) {
    let _ = timeout(SUBSCRIBED_WITHIN, subscribed.notified()).await;
    loop {
        match datasource::backfill(&source).await {
            Ok(Taken { new: 0, .. }) => {}
            Ok(Taken { new, .. }) => tracing::debug!(new, "transactions found by polling"),
            Err(error) => tracing::warn!(%error, "polling failed: it will be tried again"),
        }
        if let Err(error) = datasource::retry(&source).await {
            tracing::warn!(%error, "what is set aside could not be read again: it will be tried again");
        }
        if let Err(error) = reconcile::finalise(&source).await {
            tracing::warn!(%error, "finality could not be asked for: it will be tried again");
        }
        let _ = timeout(every, subscribed.notified()).await;
    }
}

/// Closes gaps and compares the index with the chain once per `every`.
async fn check(source: Source, every: Duration) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        match reconcile::close_gaps(&source).await {
            Ok(gaps) if gaps.is_empty() => {}
            Ok(gaps) => tracing::warn!(holes = gaps.len(), "event numbers are missing: see /v1/status"),
            Err(error) => tracing::warn!(%error, "holes could not be looked for: it will be tried again"),
        }
        match reconcile::compare(&source).await {
            Ok(differences) if differences.is_empty() => {}
            Ok(differences) => tracing::warn!(fields = differences.len(), "chain and index differ: see /v1/status"),
            Err(error) => tracing::warn!(%error, "the comparison with the chain failed: it will be tried again"),
        }
    }
}
