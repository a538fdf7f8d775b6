//! The node: its parts and the tasks that run them.

use crate::{
    admin,
    callbacks::Callbacks,
    chain::Chain,
    committees,
    config::Config,
    jobs,
    settlement::{Proposal, Standing},
    settlements,
    status::Board,
    training::JobPlan,
    watch,
};
use anyhow::{Context, Result};
use model::state::Job;
use openledger_protocol::Hash32;
use openledger_quorum as quorum;
use openledger_sdk::{api::IndexerClient, client::Client, pda, store::Store, wallet::read_keypair};
use openledger_serve::{AnswerLog, Catalog, Engine, Serving, routes};
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::sync::{Mutex, Notify, OnceCell, mpsc};
use warp::{Filter, Reply};

/// Longest time between two looks at the chain when no subscription wakes the node.
const POLL: Duration = Duration::from_secs(2);

/// Most jobs whose plans are held in memory.
const PLANS: usize = 32;

/// One operator's node. Cheap to clone.
#[derive(Clone)]
pub struct Node(Arc<Inner>);

/// See [`Node`].
pub struct Inner {
    /// Its configuration.
    pub config: Config,
    /// Chain access.
    pub chain: Chain,
    /// An indexer: says where to look, is believed nothing that a root does not confirm.
    pub indexer: IndexerClient,
    /// The artifact store.
    pub store: Store,
    /// Its part in committees.
    pub quorum: quorum::Participant,
    /// What it is doing.
    pub status: Board,
    /// What this member says of epochs; held while it finds out.
    pub observations: Mutex<HashMap<Proposal, Vec<u64>>>,
    /// Settlements asked for, here or by another member.
    pub proposals: mpsc::UnboundedSender<Proposal>,
    identity: Keypair,
    engine: OnceCell<Engine>,
    catalog: OnceCell<Arc<Catalog>>,
    /// By [`JobPlan::key`].
    plans: Mutex<HashMap<Hash32, Arc<JobPlan>>>,
    /// By plan and hash of the influence index.
    standings: Mutex<HashMap<(Hash32, Hash32), Arc<Standing>>>,
    changed: Notify,
}

impl std::ops::Deref for Node {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Node {
    /// Connects everything and runs until `shutdown` is ready.
    pub async fn run(config: Config, shutdown: impl Future<Output = ()>) -> Result<()> {
        std::fs::create_dir_all(&config.data)
            .with_context(|| format!("cannot make the data folder {}", config.data.display()))?;
        let wallet = read_keypair(&config.wallet)?;
        let identity = read_keypair(&config.identity)?;
        let operator = wallet.pubkey();
        let chain = Chain::new(Client::new(&config.rpc, &config.ws), wallet);
        let stake = chain.stake_config().await.with_context(|| format!("reading the chain at {}", config.rpc))?;
        let database = quorum::Store::connect(&config.database, &config.schema)
            .await
            .with_context(|| format!("connecting to PostgreSQL, schema {}", config.schema))?;
        let answers = AnswerLog::new(database.pool().clone());
        let slot: Arc<OnceLock<Node>> = Arc::default();
        let callbacks = Arc::new(Callbacks::new(slot.clone()));
        let quorum = quorum::Participant::start(quorum::Parts {
            wallet: operator.to_bytes(),
            identity: ed25519_dalek::SigningKey::from_bytes(identity.secret_bytes()),
            cluster: stake.cluster,
            store: database,
            settings: quorum_settings(),
            approver: callbacks.clone(),
            observer: callbacks,
        })
        .await?;
        let (proposals, asked) = mpsc::unbounded_channel();
        let status = Board::default();
        status.update(|s| s.operator = operator.to_string());
        let node = Node(Arc::new(Inner {
            indexer: IndexerClient::new(&config.indexer),
            store: Store::folder(&config.store)?,
            chain,
            quorum,
            status,
            observations: Mutex::default(),
            plans: Mutex::default(),
            standings: Mutex::default(),
            proposals,
            identity,
            engine: OnceCell::new(),
            catalog: OnceCell::new(),
            changed: Notify::new(),
            config,
        }));
        slot.set(node.clone()).ok().context("the node starts once")?;

        let listener = tokio::net::TcpListener::bind(node.config.listen)
            .await
            .with_context(|| format!("cannot listen on {}; is another program using it?", node.config.listen))?;
        let own = quorum::routes(node.quorum.clone()).or(admin::routes(node.clone())).map(Reply::into_response).boxed();
        let all = match node.config.serve {
            true => own.or(routes(node.serving(answers).await?).map(Reply::into_response)).unify().boxed(),
            false => own,
        };
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(async move {
            warp::serve(all).incoming(listener).run().await;
            Ok(())
        });
        tasks.spawn(watch::run(node.clone()));
        tasks.spawn(committees::run(node.clone()));
        tasks.spawn(jobs::run(node.clone()));
        tasks.spawn(settlements::run(node.clone(), asked));
        tracing::info!(%operator, listen = %node.config.listen, "the node runs");
        tokio::select! {
            () = shutdown => Ok(()),
            Some(ended) = tasks.join_next() => ended.context("a task of the node panicked")?,
        }
    }

    /// The base model, loaded at first use.
    pub async fn engine(&self) -> Result<Engine> {
        let load = || async { Engine::load(self.config.model.clone()).await };
        Ok(self.engine.get_or_try_init(load).await.context("loading the base model")?.clone())
    }

    /// Models that this node can answer with.
    pub async fn catalog(&self) -> Result<Arc<Catalog>> {
        let make = || async {
            let folder = self.config.data.join("models");
            let (client, store) = (self.chain.client.clone(), self.store.clone());
            anyhow::Ok(Arc::new(Catalog::new(self.engine().await?, client, store, self.indexer.clone(), folder)))
        };
        Ok(self.catalog.get_or_try_init(make).await?.clone())
    }

    /// What `job` computes, worked out at first use: its data, settings and seed never change.
    pub async fn plan(&self, job: &Job) -> Result<Arc<JobPlan>> {
        let key = JobPlan::key(job)?;
        // Held while working it out: a second who asks for the same waits instead.
        let mut plans = self.plans.lock().await;
        if let Some(plan) = plans.get(&key) {
            return Ok(plan.clone());
        }
        if plans.len() >= PLANS {
            plans.clear();
        }
        let engine = self.engine().await?;
        let plan = Arc::new(JobPlan::new(job, &self.indexer, &self.store, engine.tokenizer()).await?);
        plans.insert(key, plan.clone());
        Ok(plan)
    }

    /// The documents of a finished `job` as the rules of pay see them, worked out at first use.
    pub async fn standing(&self, job: &Job, index: Hash32) -> Result<Arc<Standing>> {
        let (key, plan) = ((JobPlan::key(job)?, index), self.plan(job).await?);
        let mut standings = self.standings.lock().await;
        if let Some(standing) = standings.get(&key) {
            return Ok(standing.clone());
        }
        if standings.len() >= PLANS {
            standings.clear();
        }
        let standing = Arc::new(Standing::load(self, plan, index).await?);
        standings.insert(key, standing.clone());
        Ok(standing)
    }

    /// Identity keys of all registered operators by wallet.
    pub async fn identities(&self) -> Result<HashMap<Pubkey, Pubkey>> {
        let all = self.chain.client.all_accounts::<stake::state::Operator>(&stake::ID, &[]).await?;
        Ok(all.into_iter().map(|(_, o)| (o.owner, o.identity)).collect())
    }

    /// Wakes every task that waits for the chain to change.
    pub fn wake(&self) {
        self.changed.notify_waiters();
    }

    /// Returns when the chain may have changed.
    pub async fn changed(&self) {
        let _ = tokio::time::timeout(POLL, self.changed.notified()).await;
    }

    /// Whether this wallet's operator is registered under this node's identity key.
    pub async fn is_registered(&self) -> Result<bool> {
        let entry: Option<stake::state::Operator> =
            self.chain.client.account_opt(&pda::operator(&self.chain.wallet())).await?;
        Ok(entry.is_some_and(|o| o.identity == self.identity.pubkey()))
    }

    async fn serving(&self, log: AnswerLog) -> Result<Arc<Serving>> {
        let serving = Arc::new(Serving {
            engine: self.engine().await?,
            catalog: self.catalog().await?,
            log,
            client: self.chain.client.clone(),
            store: self.store.clone(),
            operator: self.chain.wallet(),
            identity: self.identity.insecure_clone(),
        });
        openledger_serve::routes::publish_left_over(&serving).await?;
        Ok(serving)
    }
}

/// Time limits of the quorum. Before it commits, a member re-executes a part of an exact attribution, on processors that
/// the members of a local fleet share.
fn quorum_settings() -> quorum::Settings {
    quorum::Settings {
        commit_window: Duration::from_secs(240),
        reveal_window: Duration::from_secs(10),
        turn: Duration::from_secs(180),
        sign_deadline: Duration::from_secs(600),
        ..Default::default()
    }
}
