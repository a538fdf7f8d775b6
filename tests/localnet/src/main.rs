//! `openledger-localnet`: a local Solana node for the demo, the tests and for trying things out.

use std::{fs, io::Read, path::PathBuf, process::ExitCode, thread};

use anyhow::{Context, Result, bail};
use clap::Parser;
use crossbeam_channel::{Sender, select};
use openledger_localnet::{Localnet, LocalnetConfig};
use serde_json::json;
use solana_pubkey::Pubkey;
use tracing_subscriber::EnvFilter;

/// A real local Solana node in one process. Prints one JSON line, {"rpc":…,"ws":…}, when it is ready, and stops on
/// Ctrl-C or SIGTERM.
#[derive(Parser)]
#[command(
    version,
    after_help = "Examples:
  openledger-localnet --rpc-port 8899 --ws-port 8900
  openledger-localnet --slot-ms 50 --db chain.sqlite --airdrop 4Nd1mYQzvgV8Vr3Z3nYb7pD6T8K2jqeB2xqMZpjJgW1B"
)]
struct Cli {
    /// JSON-RPC port; 0 picks a free one
    #[arg(long, default_value_t = 8899)]
    rpc_port: u16,
    /// WebSocket port; 0 picks a free one
    #[arg(long, default_value_t = 8900)]
    ws_port: u16,
    /// Milliseconds between slots
    #[arg(long, default_value_t = 400, value_name = "MS")]
    slot_ms: u64,
    /// SQLite file that keeps the chain across restarts; in memory if left out
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,
    /// Accounts that get SOL at the start
    #[arg(long, value_name = "PUBKEY", num_args = 1..)]
    airdrop: Vec<Pubkey>,
    /// Lamports for each of them
    #[arg(long, default_value_t = 1_000_000_000_000, value_name = "LAMPORTS")]
    airdrop_lamports: u64,
    /// Also write the JSON line to this file, once ready
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// Stop when standard input closes, so that the node cannot outlive the process that started it
    #[arg(long)]
    stop_with_stdin: bool,
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One line, whatever RUST_BACKTRACE says: these are the user's errors, not ours.
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("error"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();

    let (stop, stopped) = crossbeam_channel::bounded(1);
    let on_signal = stop.clone();
    let handler = move || {
        let _ = on_signal.try_send(());
    };
    ctrlc::set_handler(handler).context("cannot handle signals")?;
    if cli.stop_with_stdin {
        watch_stdin(stop);
    }

    let node = Localnet::start(LocalnetConfig {
        rpc_port: cli.rpc_port,
        ws_port: cli.ws_port,
        slot_ms: cli.slot_ms,
        db: cli.db,
        airdrop: cli.airdrop,
        airdrop_lamports: cli.airdrop_lamports,
        ..LocalnetConfig::default()
    })?;
    let ready = json!({"rpc": node.rpc_url(), "ws": node.ws_url()}).to_string();
    if let Some(file) = &cli.ready_file {
        // The file is renamed into place, so that nobody who waits for it reads an incomplete one.
        let draft = file.with_extension("partial");
        fs::write(&draft, format!("{ready}\n"))
            .and_then(|()| fs::rename(&draft, file))
            .with_context(|| format!("cannot write the ready file {}", file.display()))?;
    }
    println!("{ready}");

    let failure = select! {
        recv(stopped) -> _ => None,
        recv(node.ended()) -> reason => Some(reason.unwrap_or_default()),
    };
    node.stop();
    match failure {
        Some(reason) => bail!("the node ended by itself: {reason}"),
        None => Ok(()),
    }
}

/// Reads standard input to its end, then asks for the stop.
fn watch_stdin(stop: Sender<()>) {
    thread::spawn(move || {
        let mut ignored = [0; 1024];
        let mut input = std::io::stdin().lock();
        while input.read(&mut ignored).is_ok_and(|n| n > 0) {}
        let _ = stop.try_send(());
    });
}
