//! `openledger-demo`: the whole loop on one machine.

use anyhow::Result;
use clap::Parser;
use openledger_system::{
    demo::{self, Demo},
    settings::Settings,
};
use std::path::PathBuf;

/// The whole loop of OpenLedger on this machine, with real parts. `cargo xtask demo` prepares everything and runs it.
#[derive(Parser)]
#[command(version)]
struct Cli {
    /// Folder of the compiled programs.
    #[arg(long)]
    programs_dir: PathBuf,
    /// Folder of the node's, indexer's and oracle's binaries.
    #[arg(long)]
    bin_dir: PathBuf,
    /// Another build of the oracle's binary, with another class of arithmetic. Two of the five operators run it.
    #[arg(long)]
    second_oracle: Option<PathBuf>,
    /// Folder of the unpacked document packages.
    #[arg(long)]
    documents: PathBuf,
    /// The base model, a GGUF file.
    #[arg(long, required_unless_present = "tiny")]
    model: Option<PathBuf>,
    /// Use a tiny random model: the same loop, in two to three minutes.
    #[arg(long)]
    tiny: bool,
    /// Exit when the loop is closed.
    #[arg(long)]
    once: bool,
    /// Write the summary to this file.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Where processes keep their files; a temporary folder by default.
    #[arg(long)]
    folder: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let interrupted = async {
        let mut term = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            r = tokio::signal::ctrl_c() => r,
            _ = term.recv() => Ok(()),
        }
    };
    tokio::select! {
        result = run(Cli::parse()) => match result {
            Ok(()) => std::process::ExitCode::SUCCESS,
            Err(e) => {
                eprintln!("error: {e:#}");
                std::process::ExitCode::FAILURE
            }
        },
        // Dropping the run stops every process that it started.
        _ = interrupted => {
            eprintln!("\ninterrupted: everything that was started is stopped");
            std::process::ExitCode::from(130)
        }
    }
}

/// Keeps the logs of a temporary folder, and removes the rest: chain, databases and artifacts may have a gigabyte.
fn keep_logs(temporary: tempfile::TempDir) -> PathBuf {
    let folder = temporary.keep();
    for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten().filter(|entry| entry.file_name() != "logs")
    {
        let path = entry.path();
        // What cannot be removed stays: the error of the demo is what matters now.
        let _ = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    }
    folder
}

async fn run(cli: Cli) -> Result<()> {
    let settings = match &cli.model {
        Some(model) if !cli.tiny => Settings::full(model),
        _ => Settings::tiny(),
    };
    let temporary = tempfile::Builder::new().prefix("openledger-").tempdir()?;
    let folder = cli.folder.clone().unwrap_or_else(|| temporary.path().to_path_buf());
    let demo = Demo {
        programs: cli.programs_dir,
        binaries: cli.bin_dir,
        second_oracle: cli.second_oracle,
        documents: cli.documents,
        folder,
        settings,
    };
    let (summary, running) = match demo::run(&demo).await {
        Ok(closed) => closed,
        Err(error) => {
            let folder = if cli.folder.is_none() { keep_logs(temporary) } else { demo.folder };
            return Err(error.context(format!("the logs are in {}", folder.join("logs").display())));
        }
    };
    if let Some(path) = &cli.json {
        std::fs::write(path, serde_json::to_vec_pretty(&summary)?)
            .map_err(|e| anyhow::anyhow!("cannot write {}: {e}", path.display()))?;
    }
    anyhow::ensure!(summary.books.balanced, "the books do not balance: {:?}", summary.books);
    if !cli.once {
        running.stay_up().await?;
    }
    Ok(())
}
