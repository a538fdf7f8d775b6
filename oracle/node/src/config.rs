//! The operator's configuration file.

use anyhow::{Context, Result, ensure};
use openledger_lm::ModelSource;
use openledger_sdk::{Client, PriorityFee, Sending};
use serde::{Deserialize, Serialize};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

/// `oracle.toml`. Relative paths of the keypair files and of the data folder are relative to the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// JSON-RPC of a Solana node.
    pub rpc: String,
    /// JSON-RPC of a second Solana node, run by somebody else. What decides about money is then read from both, and goes
    /// on only if they agree.
    #[serde(default)]
    pub rpc_second: Option<String>,
    /// WebSocket of the first node.
    pub ws: String,
    /// PostgreSQL URL. It may be that of a pooler in transaction mode. With `?sslmode=verify-full` the server's certificate
    /// is checked, by the authorities in `sslrootcert=FILE` or by the system's.
    pub database: String,
    /// Schema in that database. Each operator has its own. The node makes it if it does not exist.
    pub schema: String,
    /// The artifact store: a folder, `s3://bucket/prefix`, or the URL of an artifact service.
    pub store: String,
    /// Base URL of an indexer's API.
    pub indexer: String,
    /// Solana keypair file of the wallet that stakes, receives pay and pays transaction fees.
    pub wallet: PathBuf,
    /// Solana keypair file of the identity key, which signs messages, observations and answers.
    pub identity: PathBuf,
    /// Folder for files that can be rebuilt: indexes, unfinished training.
    pub data: PathBuf,
    /// Address at which other members, clients and the operator reach this node.
    pub listen: SocketAddr,
    /// Most disk space for the gradients of training steps, in MiB. Kept gradients make settlements faster. The node
    /// deletes the gradients that it used longest ago first.
    #[serde(default = "gradient_cache_mib")]
    pub gradient_cache_mib: u64,
    /// The least price for which this operator trains, in base units of OPEN for 1,000 training tokens. A job whose config
    /// offers less in `train.price_per_1k_tokens` is left to others. 0, the default, takes any price.
    #[serde(default)]
    pub least_price_per_1k_tokens: u64,
    /// What this operator's transactions pay for their places in blocks: a number of micro-lamports for each compute unit, or
    /// `auto`, the default: what others paid lately, within a bound.
    #[serde(default = "PriorityFee::auto")]
    pub priority_fee: PriorityFee,
    /// The base model.
    pub model: ModelSource,
    /// When the node settles epochs.
    #[serde(default)]
    pub settle: Settle,
    /// Whether the node also answers paid requests, with the OpenAI-compatible API at `listen`. The operator must
    /// register the capability `serve` too.
    #[serde(default)]
    pub serve: bool,
}

fn gradient_cache_mib() -> u64 {
    8 << 10
}

/// When the node settles epochs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Settle {
    /// As soon as the epoch is long enough and has answers or training fees to divide.
    #[default]
    Auto,
    /// When `openledger-oracle settle` asks for it, as soon as a settlement is due. Only an epoch whose settlement was
    /// rejected is settled again unasked.
    Manual,
}

impl Config {
    /// Reads and checks a file. Fails if the file cannot be read, is not valid, or names a schema with other characters
    /// than lower-case letters, digits and `_`.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}; `openledger-oracle init` writes an example", path.display()))?;
        let mut config: Self = toml::from_str(&text).with_context(|| format!("{} is not valid", path.display()))?;
        ensure!(
            !config.schema.is_empty()
                && config.schema.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'),
            "schema {:?} in {}: use lower-case letters, digits and _",
            config.schema,
            path.display()
        );
        let base = path.parent().unwrap_or(Path::new("."));
        for p in [&mut config.wallet, &mut config.identity, &mut config.data] {
            *p = base.join(&*p);
        }
        Ok(config)
    }

    /// The client of its node.
    pub fn client(&self) -> Client {
        let sending = Sending { priority: self.priority_fee, ..Sending::default() };
        Client::new(&self.rpc, &self.ws).with_sending(sending)
    }

    /// The example that `init` writes.
    pub fn example() -> Self {
        Self {
            rpc: "http://127.0.0.1:8899".into(),
            rpc_second: None,
            ws: "ws://127.0.0.1:8900".into(),
            database: "postgres://postgres@127.0.0.1:5432/openledger".into(),
            schema: "operator".into(),
            store: "store".into(),
            indexer: "http://127.0.0.1:8910".into(),
            wallet: "wallet.json".into(),
            identity: "identity.json".into(),
            data: "data".into(),
            listen: ([127, 0, 0, 1], 7000).into(),
            gradient_cache_mib: gradient_cache_mib(),
            least_price_per_1k_tokens: 0,
            priority_fee: PriorityFee::auto(),
            model: ModelSource::Gguf { path: "SmolLM2-135M-Instruct.Q4_1.gguf".into(), sha256: None },
            settle: Settle::Auto,
            serve: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_reads_back_and_paths_are_relative_to_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("oracle.toml");
        std::fs::write(&path, toml::to_string(&Config::example()).unwrap()).unwrap();
        let read = Config::read(&path).unwrap();
        assert_eq!(read.wallet, dir.path().join("wallet.json"));
        assert_eq!((read.settle, read.priority_fee), (Settle::Auto, PriorityFee::auto()));
    }

    #[test]
    fn a_bad_file_is_named_with_what_is_wrong() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("oracle.toml");
        std::fs::write(&path, "rpc = 1").unwrap();
        assert!(format!("{:#}", Config::read(&path).unwrap_err()).contains("oracle.toml is not valid"));
        let bad = Config { schema: "Robert'); --".into(), ..Config::example() };
        std::fs::write(&path, toml::to_string(&bad).unwrap()).unwrap();
        assert!(format!("{:#}", Config::read(&path).unwrap_err()).contains("lower-case letters"));
        assert!(
            format!("{:#}", Config::read(&dir.path().join("absent")).unwrap_err()).contains("openledger-oracle init")
        );
    }
}
