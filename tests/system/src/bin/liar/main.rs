//! `openledger-liar`: takes the seat of an operator, with the operator's own keys, settings and database, and lies in the
//! quorum's own protocol. A test double: no operator runs it.
//!
//! It holds the operator's true share of the committee's key, and speaks to the others as every member does. Only what it
//! answers to the quorum's two questions is a lie (`mind.rs`), and what it proposes (`proposals.rs`).

mod mind;
mod proposals;

use anyhow::{Context, Result};
use clap::Parser;
use mind::Mind;
use openledger_quorum::{self as quorum, Participant, routes};
use openledger_sdk::{api::IndexerClient, client::Client, pda, store::Store, wallet::read_keypair};
use openledger_system::told::{self, Told};
use proposals::Proposer;
use serde::Deserialize;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use std::{
    collections::HashSet,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{net::TcpListener, sync::mpsc};
use warp::{Filter, Reply};

/// Takes the seat of an operator and lies.
#[derive(Parser)]
struct Cli {
    /// The operator's configuration file.
    #[arg(long)]
    config: PathBuf,
    /// Wallet of an operator whose receipts it vouches for, whatever they say. It denies all others.
    #[arg(long)]
    vouch_for: Vec<Pubkey>,
    /// The wallet that it wants to be paid everything.
    #[arg(long)]
    pay: Pubkey,
}

/// What it reads of the operator's configuration.
#[derive(Deserialize)]
struct Config {
    rpc: String,
    ws: String,
    database: String,
    schema: String,
    store: String,
    indexer: String,
    wallet: PathBuf,
    identity: PathBuf,
    data: PathBuf,
    listen: SocketAddr,
}

#[tokio::main]
async fn main() -> Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
    let cli = Cli::parse();
    let config: Config = toml::from_str(&std::fs::read_to_string(&cli.config)?).context("the configuration")?;
    let folder = cli.config.parent().context("the configuration is in a folder")?;
    let (wallet, identity) = (read_keypair(folder.join(&config.wallet))?, read_keypair(folder.join(&config.identity))?);
    let client = Client::new(&config.rpc, &config.ws);
    let store = Store::open_as(&config.store, Some(Arc::new(wallet.insecure_clone())))?;
    let stake: stake::state::Config = client.account(&pda::stake_config()).await?;
    let told = Arc::new(Mutex::new(Told::default()));
    let (ask, mut asked) = mpsc::unbounded_channel();
    let mind = Arc::new(Mind {
        client: client.clone(),
        store: store.clone(),
        indexer: IndexerClient::new(&config.indexer),
        vouch_for: cli.vouch_for,
        asked: ask,
        payloads: Mutex::default(),
        told: told.clone(),
    });
    let quorum = Participant::start(quorum::Parts {
        wallet: wallet.pubkey().to_bytes(),
        identity: ed25519_dalek::SigningKey::from_bytes(identity.secret_bytes()),
        cluster: stake.cluster,
        store: quorum::Store::connect(&config.database, &config.schema).await?,
        settings: settings(),
        marker: Some(folder.join(&config.data).join("quorum.marker")),
        approver: mind.clone(),
        observer: mind.clone(),
    })
    .await?;
    quorum.admit(committee(&client, stake.committee_epoch).await?)?;
    let listener =
        TcpListener::bind(config.listen).await.with_context(|| format!("cannot listen on {}", config.listen))?;
    let says = told.clone();
    let says = warp::path(told::PATH).map(move || {
        let told = says.lock().expect("no panic holds this lock").clone();
        warp::reply::json(&told).into_response()
    });
    tokio::spawn(warp::serve(routes(quorum.clone()).or(says).unify()).incoming(listener).run());
    tracing::info!(operator = %wallet.pubkey(), "a liar has taken the operator's seat");

    let proposer = Proposer { client, store, quorum, mind, wallet: Arc::new(wallet), pay: cli.pay, told };
    let mut known = HashSet::new();
    while let Some(question) = asked.recv().await {
        if known.insert(question.to_string()) {
            let proposer = proposer.clone();
            tokio::spawn(async move {
                if let Err(e) = proposer.lie(question).await {
                    tracing::warn!("its lies came to nothing: {e:#}");
                }
            });
        }
    }
    Ok(())
}

/// The time limits of the node: a liar that were faster or slower could be told by that.
fn settings() -> quorum::Settings {
    quorum::Settings {
        silent_after: Duration::from_secs(10),
        commit_window: Duration::from_secs(60),
        turn: Duration::from_secs(90),
        sign_deadline: Duration::from_secs(600),
        ..Default::default()
    }
}

async fn committee(client: &Client, epoch: u64) -> Result<quorum::Committee> {
    let committee: stake::state::Committee = client.account(&pda::committee(epoch)).await?;
    let mut members = Vec::new();
    for (place, wallet) in (1..).zip(&committee.members) {
        let operator: stake::state::Operator = client.account(&pda::operator(wallet)).await?;
        let (wallet, identity) = (wallet.to_bytes(), operator.identity.to_bytes());
        members.push(quorum::Member { place, wallet, identity, endpoint: operator.endpoint });
    }
    Ok(quorum::Committee::new(committee.epoch, committee.threshold, members)?)
}
