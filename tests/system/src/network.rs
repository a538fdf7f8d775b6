//! The infrastructure of the loop: a Solana node, PostgreSQL and an indexer.

use crate::{people::Person, process::Process, stage::Stage};
use anyhow::{Context, Error, Result, ensure};
use openledger_postgres::Postgres;
use openledger_protocol::Hash32;
use openledger_sdk::{
    api::IndexerClient,
    client::Client,
    manifest::Manifest,
    store::Store,
    text::{parse_hash, parse_key},
};
use serde::Deserialize;
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
    time::{Duration, Instant},
};

/// Milliseconds between slots. It is less than on a cluster, so that windows of slots pass quickly.
pub const SLOT_MS: u64 = 100;

/// The ports of a network that keeps them.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// JSON-RPC of the node.
    pub rpc: u16,
    /// WebSocket of the node.
    pub ws: u16,
    /// The indexer's API.
    pub api: u16,
    /// The artifact service.
    pub artifacts: u16,
    /// PostgreSQL.
    pub database: u16,
    /// The first operator. The others have the ports that follow.
    pub operators: u16,
}

/// Where a network is, and whether it outlives its processes.
#[derive(Clone, Debug)]
pub struct Place {
    /// Folder of the processes' files.
    pub folder: PathBuf,
    /// Folder of the binaries.
    pub binaries: PathBuf,
    /// The ports of a network whose chain and databases stay in the folder and are used again by the next start. `None`
    /// means any free ports, and that chain and databases end with their processes.
    pub kept: Option<Ports>,
}

impl Place {
    /// A port: the one that is kept, or a free one.
    pub fn port(&self, kept: impl FnOnce(Ports) -> u16) -> Result<u16> {
        self.kept.map(kept).map_or_else(free_port, Ok)
    }

    /// Folder of the processes' logs.
    pub fn logs(&self) -> PathBuf {
        self.folder.join("logs")
    }
}

/// Running infrastructure. Dropping it stops everything.
pub struct Network {
    /// The chain.
    pub client: Client,
    /// JSON-RPC URL.
    pub rpc: String,
    /// WebSocket URL.
    pub ws: String,
    /// The database server.
    pub postgres: Postgres,
    /// Where it is.
    pub place: Place,
    /// The indexer's API, once started.
    pub api: Option<IndexerClient>,
    /// Its URL.
    pub api_url: String,
    /// URL of the artifact service, through which everybody stores and reads. Only the indexer has its folder. It runs from
    /// the start of the indexer on.
    pub artifacts_url: String,
    node: Process,
    indexer: Option<Process>,
    /// The indexer's arguments.
    indexer_args: Vec<String>,
}

#[derive(Deserialize)]
struct Ready {
    rpc: String,
    ws: String,
}

impl Network {
    /// Starts the node and the database.
    pub async fn start(stage: &Stage, place: Place) -> Result<Self> {
        let spinner = stage.spinner("starting the Solana node and PostgreSQL");
        let [rpc, ws] = place.kept.map_or([0, 0], |p| [p.rpc, p.ws]).map(|port| port.to_string());
        let mut args =
            ["--rpc-port", &rpc, "--ws-port", &ws, "--slot-ms", &SLOT_MS.to_string()].map(String::from).to_vec();
        if place.kept.is_some() {
            args.extend(["--db".into(), place.folder.join("chain.sqlite").display().to_string()]);
        }
        let binary = place.binaries.join("openledger-localnet");
        let (node, line) = Process::start_and_read_line("solana-node", &binary, &args, &place.logs())?;
        let ready: Ready = serde_json::from_str(&line).with_context(|| format!("the node said {line:?}"))?;
        let postgres = match place.kept {
            Some(ports) => Postgres::start_at(ports.database, &place.folder.join("postgres"))?,
            None => Postgres::start(None)?,
        };
        spinner.finish_and_clear();
        Ok(Self {
            client: Client::new(&ready.rpc, &ready.ws),
            rpc: ready.rpc,
            ws: ready.ws,
            postgres,
            place,
            api: None,
            api_url: String::new(),
            artifacts_url: String::new(),
            node,
            indexer: None,
            indexer_args: vec![],
        })
    }

    /// Starts the indexer, with the artifact service, and waits for its API.
    pub async fn start_indexer(&mut self) -> Result<()> {
        self.start_indexer_at(Ipv4Addr::LOCALHOST.into()).await
    }

    /// Like [`Self::start_indexer`], at an address of this machine.
    pub async fn start_indexer_at(&mut self, address: IpAddr) -> Result<()> {
        let (api, artifacts) = (self.place.port(|p| p.api)?, self.place.port(|p| p.artifacts)?);
        let [api, artifacts] = [api, artifacts].map(|port| SocketAddr::new(address, port).to_string());
        let database = self.postgres.create_database("indexer")?;
        let own = |name: &str| self.place.folder.join(name).display().to_string();
        self.indexer_args = [
            "run",
            "--rpc",
            &self.rpc,
            "--ws",
            &self.ws,
            "--database",
            &database,
            "--store",
            &own("store"),
            "--uploads",
            &own("uploads"),
            "--listen",
            &api,
            "--artifacts",
            &artifacts,
        ]
        .map(String::from)
        .to_vec();
        (self.api_url, self.artifacts_url) = (format!("http://{api}"), format!("http://{artifacts}"));
        self.run_indexer()?;
        let api = IndexerClient::new(&self.api_url);
        wait("the indexer's API", Duration::from_secs(60), async || {
            self.indexer.as_mut().context("just started")?.check()?;
            Ok(api.status().await.ok())
        })
        .await?;
        self.api = Some(api);
        Ok(())
    }

    /// Starts the indexer if it does not run. Returns whether it did not.
    pub fn run_indexer(&mut self) -> Result<bool> {
        if self.indexer.is_some() {
            return Ok(false);
        }
        let binary = self.binary("openledger-indexer");
        self.indexer = Some(Process::start("indexer", &binary, &self.indexer_args, &self.logs())?);
        Ok(true)
    }

    /// Forgets the indexer's process if it has died. Returns why.
    pub fn bury_indexer(&mut self) -> Option<String> {
        let reason = self.indexer.as_mut()?.check().err()?;
        self.indexer = None;
        Some(reason.to_string())
    }

    /// The artifact service as this person uses it.
    pub fn store_of(&self, person: &Person) -> Result<Store> {
        Ok(Store::open_as(&self.artifacts_url, Some(Arc::new(person.key.insecure_clone())))?)
    }

    /// The artifact service as everybody reads it.
    pub fn store(&self) -> Result<Store> {
        Ok(Store::open(&self.artifacts_url)?)
    }

    /// The indexer's API.
    pub fn api(&self) -> Result<&IndexerClient> {
        self.api.as_ref().context("the indexer is not started yet")
    }

    /// The title of a contribution. The indexer shows only those of open Datanets; every other one is in the manifest, which
    /// `member` of the committee may read.
    pub async fn title(&self, leaf: &Hash32, member: &Person) -> Result<String> {
        let api = self.api()?;
        let found = api.contribution(leaf).await?.context("a training document is not indexed")?.contribution;
        if let Some(detail) = found.detail {
            return Ok(detail.title);
        }
        let batch =
            api.batch(&parse_key(&found.batch).map_err(Error::msg)?).await?.context("a batch is not indexed")?;
        let hash = parse_hash(&batch.manifest.context("a batch has no manifest")?).map_err(Error::msg)?;
        let manifest = self.store_of(member)?.get_blob(&hash).await.context("the manifest of a batch")?;
        let manifest = Manifest::from_bytes(&manifest)?;
        let leaf = manifest.leaves.into_iter().nth(found.place as usize).context("a manifest lacks a leaf")?;
        Ok(leaf.metadata.title)
    }

    /// Waits until the indexer has ingested everything up to now.
    pub async fn caught_up(&self) -> Result<()> {
        let api = self.api()?;
        let slot = self.client.slot().await?;
        wait("the indexer to catch up", Duration::from_secs(60), async || {
            Ok(api.status().await.ok().filter(|s| s.indexed_slot >= slot && s.gaps.is_empty()))
        })
        .await?;
        Ok(())
    }

    /// Path of a binary.
    pub fn binary(&self, name: &str) -> PathBuf {
        self.place.binaries.join(name)
    }

    /// Folder of the processes' logs.
    pub fn logs(&self) -> PathBuf {
        self.place.logs()
    }

    /// Fails if the node or the database server has died.
    pub fn check(&mut self) -> Result<()> {
        self.node.check()?;
        ensure!(!self.postgres.ended(), "PostgreSQL has died; its log is in {}", self.postgres.data_dir().display());
        Ok(())
    }
}

/// Ports that are looked at for a free one. The system gives none of them to outgoing connections, which could take one away
/// before the process listens that it was looked up for.
const PORTS: std::ops::Range<u16> = 10_000..20_000;

/// A free port. No two calls of a process return the same, and other processes begin elsewhere.
pub fn free_port() -> Result<u16> {
    static TRIED: AtomicU16 = AtomicU16::new(0);
    let count = PORTS.end - PORTS.start;
    let first = (std::process::id().wrapping_mul(37) % u32::from(count)) as u16;
    let next = |_| PORTS.start + (first + TRIED.fetch_add(1, Ordering::Relaxed) % count) % count;
    let free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    (0..count).map(next).find(free).context("no free port on loopback")
}

/// Calls `probe` until it returns a value.
pub async fn wait<T>(what: &str, patience: Duration, mut probe: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let until = Instant::now() + patience;
    loop {
        if let Some(value) = probe().await? {
            return Ok(value);
        }
        if Instant::now() > until {
            anyhow::bail!("{what} did not happen within {} seconds", patience.as_secs());
        }
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
}
