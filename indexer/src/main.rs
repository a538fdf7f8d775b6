//! The binary `openledger-indexer`: stores the programs' events in PostgreSQL and serves the HTTP API over them.

use clap::Parser;
use openledger_indexer::config::{Cli, Command};
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match start(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("openledger-indexer: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn start(cli: Cli) -> anyhow::Result<()> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let stop = async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    match cli.command {
        Command::Run(args) => openledger_indexer::run(*args, stop).await,
        Command::Resync(args) => {
            let (transactions, events) = tokio::select! {
                done = openledger_indexer::resync(&args) => done?,
                () = stop => anyhow::bail!("stopped before the end: the index is as it was"),
            };
            println!("{transactions} transactions with {events} events indexed");
            Ok(())
        }
    }
}
