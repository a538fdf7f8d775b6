//! Command line and environment.

use clap::{Args, Parser, Subcommand};
use std::{net::SocketAddr, path::PathBuf, time::Duration};

const EXAMPLES: &str = "\
Examples:
  # follow a local node and serve the API on http://127.0.0.1:8910/v1/status
  openledger-indexer run --rpc http://127.0.0.1:8899 --ws ws://127.0.0.1:8900 \\
      --database postgres://postgres@127.0.0.1:5432/openledger --store ./store --listen 127.0.0.1:8910

  # the same, and an artifact service on http://127.0.0.1:8911, at which anybody stores and reads
  openledger-indexer run --database postgres://postgres@127.0.0.1:5432/openledger --store ./store \\
      --artifacts 127.0.0.1:8911 --uploads ./uploads

  # a database elsewhere, over TLS
  openledger-indexer run \\
      --database 'postgres://indexer:…@db.example:5432/openledger?sslmode=verify-full&sslrootcert=/etc/ca.pem'

  # the same by environment
  OPENLEDGER_RPC=… OPENLEDGER_WS=… DATABASE_URL=… openledger-indexer run

  # read the whole ledger again, beside the index, and then put it in the index's place
  openledger-indexer resync --rpc http://127.0.0.1:8899 --database postgres://postgres@127.0.0.1:5432/openledger";

/// Program events into PostgreSQL without loss, and the HTTP API over them.
#[derive(Debug, Parser)]
#[command(name = "openledger-indexer", version, about, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the binary can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Follow the chain and serve the API until stopped (SIGINT or SIGTERM).
    Run(Box<RunArgs>),
    /// Read the whole ledger again beside the index, put it in the index's place, and stop.
    Resync(SourceArgs),
}

/// Where events come from and go to.
#[derive(Args, Clone, Debug)]
pub struct SourceArgs {
    /// JSON-RPC URL of a Solana node.
    #[arg(long, env = "OPENLEDGER_RPC", default_value = "http://127.0.0.1:8899")]
    pub rpc: String,
    /// PostgreSQL URL; the tables live in the schema `indexer` of that database. It may be that of a pooler in transaction
    /// mode. With `?sslmode=verify-full` the server's certificate is checked, by the authorities in `sslrootcert=FILE` or by
    /// the system's.
    #[arg(long, env = "DATABASE_URL")]
    pub database: String,
}

/// Settings of `run`.
#[derive(Args, Clone, Debug)]
pub struct RunArgs {
    /// Where events come from and go to.
    #[command(flatten)]
    pub source: SourceArgs,
    /// PostgreSQL URL by which the API reads, such as that of a role that may only read. Without it that is `--database`.
    /// Either way the API has connections of its own.
    #[arg(long, env = "OPENLEDGER_READ_DATABASE")]
    pub read_database: Option<String>,
    /// WebSocket URL of the same node.
    #[arg(long, env = "OPENLEDGER_WS", default_value = "ws://127.0.0.1:8900")]
    pub ws: String,
    /// Artifact store: a folder, s3://bucket/prefix, or the URL of an artifact service. Titles, answers and settlement
    /// reports are read from it. Without it they are null.
    #[arg(long, env = "OPENLEDGER_STORE", value_name = "URL")]
    pub store: Option<String>,
    /// Address that the artifact service listens on. Without it there is none. It stores in --store, a folder or a bucket.
    #[arg(long, env = "OPENLEDGER_ARTIFACTS", value_name = "ADDRESS", requires = "store")]
    pub artifacts: Option<SocketAddr>,
    /// URL at which others reach the artifact service, if it is not http://ADDRESS. What they store is signed for it.
    #[arg(long, env = "OPENLEDGER_ARTIFACTS_URL", value_name = "URL", requires = "artifacts")]
    pub artifacts_url: Option<String>,
    /// Folder for uploads to the artifact service that are not finished.
    #[arg(long, env = "OPENLEDGER_UPLOADS", value_name = "FOLDER", default_value = "uploads")]
    pub uploads: PathBuf,
    /// Address that the API listens on.
    #[arg(long, env = "OPENLEDGER_LISTEN", default_value = "127.0.0.1:8910")]
    pub listen: SocketAddr,
    /// Seconds between two looks at the ledger for what the subscription did not bring.
    #[arg(long, env = "OPENLEDGER_POLL_SECONDS", default_value = "2", value_parser = seconds)]
    pub poll: Duration,
    /// Seconds between two comparisons of the index with the chain's accounts.
    #[arg(long, env = "OPENLEDGER_RECONCILE_SECONDS", default_value = "15", value_parser = seconds)]
    pub reconcile: Duration,
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(s) if (0.05..=86_400.0).contains(&s) => Ok(Duration::from_secs_f64(s)),
        _ => Err(format!("`{text}` is not a number of seconds between 0.05 and 86400")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_takes_its_settings_from_flags() {
        let cli = Cli::try_parse_from([
            "openledger-indexer",
            "run",
            "--rpc",
            "http://n:1",
            "--database",
            "postgres://d",
            "--poll",
            "0.5",
            "--listen",
            "127.0.0.1:0",
        ]);
        let Command::Run(run) = cli.expect("valid").command else { panic!("run") };
        assert_eq!((run.source.rpc.as_str(), run.poll), ("http://n:1", Duration::from_millis(500)));
        assert!(run.store.is_none());
    }

    #[test]
    fn an_artifact_service_needs_a_store() {
        let of = |more: &[&str]| {
            let args = ["openledger-indexer", "run", "--database", "d", "--artifacts", "127.0.0.1:0"];
            Cli::try_parse_from([&args, more].concat())
        };
        of(&["--store", "s3://bucket"]).expect("valid");
        assert!(of(&[]).expect_err("refused").to_string().contains("--store"));
    }

    #[test]
    fn a_poll_interval_of_zero_or_words_is_refused() {
        for bad in ["0", "soon", "-1", "NaN"] {
            let error = seconds(bad).expect_err(bad);
            assert!(error.contains(bad), "{error}");
        }
    }
}
