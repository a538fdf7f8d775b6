//! The oracle operator's node: watches the chain, trains, verifies, attributes, agrees and signs.

mod audit;
mod config;
mod documents;
mod http;
mod ledger;
mod node;
mod operator;
mod plans;
mod quorum_callbacks;
mod settlement;
mod tasks;
mod training;
mod walks;

use anyhow::{Context, Result, bail};
use clap::{CommandFactory, Parser, Subcommand};
use config::Config;
use openledger_sdk::wallet::read_keypair;
use solana_signer::Signer;
use std::path::PathBuf;
use tokio::signal::unix::{SignalKind, signal};

/// The oracle operator's node of OpenLedger.
///
/// Examples:
///   openledger-oracle init --config oracle.toml     write an example configuration
///   openledger-oracle run --config oracle.toml      run the node
///   openledger-oracle status --config oracle.toml   what it is doing, as JSON
///   openledger-oracle settle --config oracle.toml   ask the fleet to look now whether an epoch is to be settled
#[derive(Parser)]
#[command(version, verbatim_doc_comment)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write an example configuration; refuses to overwrite.
    Init(ConfigFile),
    /// Run the node until SIGTERM or Ctrl-C.
    Run(ConfigFile),
    /// Print what the running node is doing, as JSON.
    Status(ConfigFile),
    /// Ask every member to look now whether an epoch is to be settled. What is settled follows from the chain.
    Settle(ConfigFile),
    /// Print a completion script.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

#[derive(clap::Args)]
struct ConfigFile {
    /// The configuration file.
    #[arg(long, default_value = "oracle.toml", env = "OPENLEDGER_ORACLE_CONFIG")]
    config: PathBuf,
}

#[tokio::main]
async fn main() -> std::process::ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()) && std::env::var_os("NO_COLOR").is_none())
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("OPENLEDGER_LOG").unwrap_or_else(|_| "info".into()),
        )
        .init();
    match run(Cli::parse().command).await {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {e:#}");
            std::process::ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<()> {
    match command {
        Command::Init(file) => {
            if file.config.exists() {
                bail!("{} exists; move it away or name another file", file.config.display());
            }
            std::fs::write(&file.config, toml::to_string(&Config::example())?)
                .with_context(|| format!("cannot write {}", file.config.display()))
        }
        Command::Run(file) => {
            let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
            let shutdown = async move {
                tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
            };
            node::run(Config::read(&file.config)?, shutdown).await
        }
        Command::Status(file) => {
            let config = Config::read(&file.config)?;
            let url = format!("http://{}/v1/status", config.listen);
            let status: operator::Status = reqwest::get(&url)
                .await
                .with_context(|| format!("{url} does not answer; is the node running?"))?
                .json()
                .await?;
            println!("{}", serde_json::to_string_pretty(&status)?);
            Ok(())
        }
        Command::Settle(file) => settle(&Config::read(&file.config)?).await,
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "openledger-oracle", &mut std::io::stdout());
            Ok(())
        }
    }
}

async fn settle(config: &Config) -> Result<()> {
    let chain = operator::Chain::new(config.client(), read_keypair(&config.wallet)?);
    let identity = read_keypair(&config.identity)?;
    let request = http::SettleRequest::sign(chain.client.slot().await?, chain.wallet().to_string(), &identity);
    let committee = chain.membership(&chain.active_committee().await?).await?;
    let http = reqwest::Client::builder().timeout(std::time::Duration::from_secs(10)).build()?;
    let mut reached = 0;
    for member in &committee.members {
        let url = format!("{}/v1/settle", member.endpoint.trim_end_matches('/'));
        match http.post(&url).json(&request).send().await.and_then(reqwest::Response::error_for_status) {
            Ok(_) => reached += 1,
            Err(e) => eprintln!("warning: {} was not reached: {e}", member.name()),
        }
    }
    if reached < committee.needed() {
        bail!("only {reached} members were reached, {} are needed to settle", committee.needed());
    }
    println!("{}", serde_json::json!({ "reached": reached, "signer": identity.pubkey().to_string() }));
    Ok(())
}
