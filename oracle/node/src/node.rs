//! The node: makes its parts, gives each part what it uses, and runs them.

use crate::{
    audit::Auditor,
    config::Config,
    http,
    ledger::Ledger,
    operator::{Board, Chain, Changes, Files, LazyEngine},
    plans::{FinishedJobs, KeptGradients, Plans},
    quorum_callbacks::{OwnView, SigningPolicy},
    settlement::{Approval, Due, Epochs, Observations, Parts, Settler},
    tasks::{Audits, Backoff, Committees, DueEpochs, Jobs, SlotClock, wake},
    training::{self, Busy, Others, OwnWords, Pace, Training, Verification},
    walks::{Together, Tools},
};
use anyhow::{Context, Result};
use openledger_quorum::{self as quorum, Participant};
use openledger_sdk::{api::IndexerClient, store::Store, wallet::read_keypair};
use openledger_serve::{AnswerLog, Catalog, Serving};
use solana_signer::Signer;
use std::{future::Future, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::mpsc, task::JoinSet};
use warp::{Filter, Reply};

/// Connects the parts and runs them until `shutdown` is ready. Fails if a part cannot start or a task of the node
/// fails.
pub async fn run(config: Config, shutdown: impl Future<Output = ()>) -> Result<()> {
    let files = Files::new(&config.data)?;
    let (wallet, identity) = (read_keypair(&config.wallet)?, read_keypair(&config.identity)?);
    let operator = wallet.pubkey();
    let store = Store::open_as(&config.store, Some(Arc::new(wallet.insecure_clone())))?;
    let chain = Chain::new(config.client(), wallet).with_second(config.rpc_second.as_deref());
    let (first, second) = chain.finalized_nodes();
    let ledger = Ledger::new(first, second);
    let due = Due::new(ledger.clone());
    let cluster = chain.stake_config().await.with_context(|| format!("reading the chain at {}", config.rpc))?.cluster;
    let database = quorum::Store::connect(&config.database, &config.schema)
        .await
        .with_context(|| format!("connecting to PostgreSQL, schema {}", config.schema))?;
    let answers = AnswerLog::new(database.database().clone());
    let indexer = IndexerClient::new(&config.indexer);
    let (status, changes) = (Board::default(), Changes::default());
    status.update(|s| (s.operator, s.kernel) = (operator.to_string(), training::kernel_class()));

    let engine = LazyEngine::new(config.model.clone());
    let plans = Plans::new(chain.client.clone(), ledger.clone(), store.clone(), engine.clone());
    let gradients = KeptGradients::new(engine.clone(), files.clone(), config.gradient_cache_mib);
    let tools = Tools { store: store.clone(), engine: engine.clone(), gradients: gradients.clone() };
    let epochs = Epochs::new(chain.clone(), store.clone(), ledger.clone());
    let jobs = FinishedJobs::new(chain.clone(), store.clone(), engine.clone(), files.clone(), plans.clone());
    let auditor = Auditor {
        chain: chain.clone(),
        store: store.clone(),
        engine: engine.clone(),
        jobs: jobs.clone(),
        walks: Together::new(tools.clone()),
        status: status.clone(),
        identity: Arc::new(identity.insecure_clone()),
    };
    let observations = Observations::new(Parts {
        chain: chain.clone(),
        store: store.clone(),
        ledger,
        engine: engine.clone(),
        epochs: epochs.clone(),
        jobs,
        files: files.clone(),
        status: status.clone(),
    });

    let verification = Verification {
        chain: chain.clone(),
        store: store.clone(),
        engine: engine.clone(),
        plans: plans.clone(),
        files: files.clone(),
        tools: tools.clone(),
        words: OwnWords::new(files.clone(), operator, Arc::new(identity.insecure_clone())),
        others: Others::default(),
        status: status.clone(),
        busy: Busy::default(),
    };
    let policy = SigningPolicy {
        verification: verification.clone(),
        approval: Approval {
            chain: chain.clone(),
            store: store.clone(),
            epochs: epochs.clone(),
            observations: observations.clone(),
        },
        due: due.clone(),
        chain: chain.clone(),
        status: status.clone(),
    };
    let quorum = Participant::start(quorum::Parts {
        wallet: operator.to_bytes(),
        identity: ed25519_dalek::SigningKey::from_bytes(identity.secret_bytes()),
        cluster,
        store: database,
        settings: quorum_settings(),
        marker: Some(files.marker()),
        approver: Arc::new(policy),
        observer: Arc::new(OwnView { observations: observations.clone(), due: due.clone() }),
    })
    .await?;

    let (look, asked) = mpsc::unbounded_channel();
    let committees =
        Committees { chain: chain.clone(), quorum: quorum.clone(), status: status.clone(), changes: changes.clone() };
    let jobs = Jobs {
        chain: chain.clone(),
        identity: identity.pubkey(),
        engine: engine.clone(),
        plans: plans.clone(),
        training: Training {
            chain: chain.clone(),
            store: store.clone(),
            engine: engine.clone(),
            plans,
            gradients,
            tools,
            pace: Pace::new(engine.clone(), &files),
            files: files.clone(),
            status: status.clone(),
            quorum: quorum.clone(),
            identity: Arc::new(identity.insecure_clone()),
        },
        status: status.clone(),
        changes: changes.clone(),
        expiries: Backoff::new(Duration::from_secs(600)),
        releases: Backoff::new(Duration::from_secs(600)),
        looked: Backoff::new(Duration::from_secs(600)),
        trained: Backoff::new(Duration::from_secs(60)),
        clock: SlotClock::default(),
        least_price: config.least_price_per_1k_tokens,
    };
    let due_epochs = DueEpochs {
        chain: chain.clone(),
        due,
        when: config.settle,
        asked,
        settler: Settler {
            chain: chain.clone(),
            store: store.clone(),
            status: status.clone(),
            quorum: quorum.clone(),
            epochs,
            observations,
        },
        changes: changes.clone(),
    };

    let audits = Audits { chain: chain.clone(), store: store.clone(), auditor, changes: changes.clone() };

    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("cannot listen on {}; is another program using it?", config.listen))?;
    let face = http::Face { status, chain: chain.clone(), look, changes: changes.clone() };
    let own = quorum::routes(quorum)
        .or(http::routes(face))
        .or(training::routes(verification))
        .map(Reply::into_response)
        .boxed();
    let mut tasks = JoinSet::new();
    let all = match config.serve {
        true => {
            let engine = engine.get().await?;
            let client = chain.client.clone();
            let catalog = Catalog::new(engine.clone(), client.clone(), store.clone(), indexer, files.models());
            let catalog = Arc::new(catalog);
            let serving = Arc::new(Serving { engine, catalog, log: answers, client, store, operator, identity });
            tasks.spawn(openledger_serve::routes::publish_left_over(serving.clone()));
            own.or(openledger_serve::routes(serving).map(Reply::into_response)).unify().boxed()
        }
        false => own,
    };
    tasks.spawn(async move {
        warp::serve(all).incoming(listener).run().await;
        Ok(())
    });
    tasks.spawn(wake(chain, config.ws, changes));
    tasks.spawn(committees.run());
    tasks.spawn(jobs.run());
    tasks.spawn(due_epochs.run());
    tasks.spawn(audits.run());
    tracing::info!(%operator, listen = %config.listen, "the node runs");
    tokio::select! {
        () = shutdown => Ok(()),
        Some(ended) = tasks.join_next() => ended.context("a task of the node panicked")?,
    }
}

/// Time limits of the quorum. The members of a local fleet share their processors, so some are ready with their views
/// much later than others, and answer beats late.
fn quorum_settings() -> quorum::Settings {
    quorum::Settings {
        silent_after: Duration::from_secs(10),
        commit_window: Duration::from_secs(60),
        turn: Duration::from_secs(90),
        sign_deadline: Duration::from_secs(600),
        ..Default::default()
    }
}
