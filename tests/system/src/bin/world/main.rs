//! `openledger-world`: a local network to work with. `cargo xtask up` prepares everything and starts it.

use anyhow::Result;
use clap::Parser;
use openledger_system::{
    network::{Place, Ports},
    settings::Settings,
    world::{self, PORTS, World},
};
use std::{path::PathBuf, process::ExitCode};

/// A local OpenLedger network to work with: node, database, indexer, five operators, validators. It goes on where it
/// stopped. `cargo xtask up` prepares everything and starts it.
#[derive(Parser)]
#[command(version)]
struct Cli {
    /// Folder that the network keeps.
    #[arg(long)]
    folder: PathBuf,
    /// Folder of the compiled programs.
    #[arg(long)]
    programs_dir: PathBuf,
    /// Folder of the node's, indexer's and oracle's binaries.
    #[arg(long)]
    bin_dir: PathBuf,
    /// Folder of the unpacked document packages.
    #[arg(long)]
    documents: PathBuf,
    /// Ports of the node's JSON-RPC, of its WebSocket, of the indexer's API, of the artifact service, of PostgreSQL and of
    /// the first operator. The other operators have those that follow.
    #[arg(long, num_args = 6, value_names = ["RPC", "WS", "API", "ARTIFACTS", "DATABASE", "OPERATOR"])]
    ports: Option<Vec<u16>>,
    /// The base model, a GGUF file. A tiny random model if left out.
    #[arg(long)]
    model: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let interrupted = async {
        let mut term = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            r = tokio::signal::ctrl_c() => r,
            _ = term.recv() => Ok(()),
        }
    };
    tokio::select! {
        result = run(Cli::parse()) => match result {
            Ok(()) => ExitCode::SUCCESS,
            Err(e) => {
                eprintln!("error: {e:#}");
                ExitCode::FAILURE
            }
        },
        // Dropping the run stops every process that it started.
        _ = interrupted => {
            eprintln!("stopped; the next start goes on from here");
            ExitCode::SUCCESS
        }
    }
}

async fn run(cli: Cli) -> Result<()> {
    let settings = cli.model.as_deref().map_or_else(Settings::tiny_world, Settings::full_world);
    let ports = match cli.ports.as_deref() {
        Some(&[rpc, ws, api, artifacts, database, operators]) => Ports { rpc, ws, api, artifacts, database, operators },
        _ => PORTS,
    };
    let place = Place { folder: cli.folder, binaries: cli.bin_dir, kept: Some(ports) };
    world::run(&World { place, programs: cli.programs_dir, documents: cli.documents, settings }).await
}
