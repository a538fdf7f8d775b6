//! Settings: the addresses of the node and of the services, the store, and the key.

use crate::output::Output;
use anyhow::{Context, Result};
use clap::Args;
use openledger_sdk::{
    Client, Store,
    api::IndexerClient,
    store::{Location, Wallet},
    wallet::read_keypair,
};
use serde::Deserialize;
use solana_keypair::Keypair;
use std::{path::PathBuf, sync::Arc};

/// Settings from flags and environment.
#[derive(Args, Clone, Debug, Default)]
pub struct SettingsArgs {
    /// JSON-RPC address of a Solana node.
    #[arg(long, global = true, env = "OPENLEDGER_RPC", value_name = "URL")]
    rpc: Option<String>,
    /// WebSocket address of the node.
    #[arg(long, global = true, env = "OPENLEDGER_WS", value_name = "URL")]
    ws: Option<String>,
    /// Address of an indexer's API.
    #[arg(long, global = true, env = "OPENLEDGER_API", value_name = "URL")]
    api: Option<String>,
    /// Artifact store: a folder, s3://bucket/prefix, or the URL of an artifact service.
    #[arg(long, global = true, env = "OPENLEDGER_STORE", value_name = "URL")]
    store: Option<String>,
    /// Key file of the wallet that signs and pays.
    #[arg(long, global = true, env = "OPENLEDGER_KEYPAIR", value_name = "FILE")]
    keypair: Option<PathBuf>,
}

/// The config file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ConfigFile {
    rpc: Option<String>,
    ws: Option<String>,
    api: Option<String>,
    store: Option<String>,
    keypair: Option<PathBuf>,
}

/// All settings, resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Settings {
    rpc: String,
    ws: String,
    api: String,
    store: String,
    keypair: PathBuf,
}

fn home() -> PathBuf {
    std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default()
}

fn folder(variable: &str, below_home: &str) -> PathBuf {
    std::env::var_os(variable).map_or_else(|| home().join(below_home), PathBuf::from).join("openledger")
}

impl Settings {
    fn resolve(args: SettingsArgs, file: ConfigFile) -> Self {
        let text = |a: Option<String>, f: Option<String>, default: &str| a.or(f).unwrap_or_else(|| default.to_owned());
        Self {
            rpc: text(args.rpc, file.rpc, "http://127.0.0.1:8899"),
            ws: text(args.ws, file.ws, "ws://127.0.0.1:8900"),
            api: text(args.api, file.api, "http://127.0.0.1:8910"),
            store: text(
                args.store,
                file.store,
                &folder("XDG_DATA_HOME", ".local/share").join("store").to_string_lossy(),
            ),
            keypair: args.keypair.or(file.keypair).unwrap_or_else(|| config_folder().join("id.json")),
        }
    }
}

fn config_folder() -> PathBuf {
    folder("XDG_CONFIG_HOME", ".config")
}

fn read_config() -> Result<ConfigFile> {
    let named = std::env::var_os("OPENLEDGER_CONFIG").map(PathBuf::from);
    let path = named.clone().unwrap_or_else(|| config_folder().join("config.toml"));
    match std::fs::read_to_string(&path) {
        Ok(text) => toml::from_str(&text).with_context(|| format!("{} is not a config file", path.display())),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound && named.is_none() => Ok(ConfigFile::default()),
        Err(e) => Err(e).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// What every command works with. Nothing is opened before it is used: `wallet new` needs no node.
pub struct Session {
    settings: Settings,
    /// How to print.
    pub output: Output,
}

impl Session {
    /// Resolves the settings.
    pub fn open(args: SettingsArgs, output: Output) -> Result<Self> {
        Ok(Self { settings: Settings::resolve(args, read_config()?), output })
    }

    /// The node.
    pub fn client(&self) -> Client {
        Client::new(&self.settings.rpc, &self.settings.ws)
    }

    /// The indexer.
    pub fn indexer(&self) -> IndexerClient {
        IndexerClient::new(&self.settings.api)
    }

    /// The artifact store. An artifact service is only read if there is no wallet that could sign.
    pub fn store(&self) -> Result<Store> {
        let wallet = match Location::parse(&self.settings.store)? {
            Location::Service(_) if self.settings.keypair.exists() => Some(Arc::new(self.keypair()?) as Wallet),
            _ => None,
        };
        Ok(Store::open_as(&self.settings.store, wallet)?)
    }

    /// The wallet that signs and pays.
    pub fn keypair(&self) -> Result<Keypair> {
        Ok(read_keypair(&self.settings.keypair)?)
    }

    /// Where that wallet's key file is or would be.
    pub fn keypair_path(&self) -> &std::path::Path {
        &self.settings.keypair
    }

    /// Folder for what must survive this process.
    pub fn state_folder(&self) -> PathBuf {
        folder("XDG_STATE_HOME", ".local/state")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_win_over_the_file_and_the_file_over_the_default() {
        let file: ConfigFile = toml::from_str("rpc = \"http://file\"\napi = \"http://api\"").unwrap();
        let args = SettingsArgs { rpc: Some("http://flag".into()), ..Default::default() };
        let s = Settings::resolve(args, file);
        assert_eq!(
            (s.rpc.as_str(), s.api.as_str(), s.ws.as_str()),
            ("http://flag", "http://api", "ws://127.0.0.1:8900")
        );
    }

    #[test]
    fn a_misspelt_key_in_the_file_is_refused() {
        assert!(toml::from_str::<ConfigFile>("rcp = \"x\"").is_err());
    }
}
