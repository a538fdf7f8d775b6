//! Where everything is: node, index, artifacts and wallet, as flags, environment, the settings file and the Solana CLI name
//! them. The command line reads them so, and every program of this SDK may.
//!
//! ```no_run
//! let settings = openledger_sdk::Settings::find()?;
//! let (client, indexer) = (settings.client(), settings.indexer());
//! # Ok::<(), openledger_sdk::SdkError>(())
//! ```

mod cluster;

use crate::{
    api::IndexerClient,
    client::Client,
    error::SdkError,
    wallet::{is_no_file, key_path},
};
use cluster::SolanaConfig;
use serde::Deserialize;
use std::path::PathBuf;

/// What somebody has named, and what not. The settings file `~/.config/openledger/config.toml` has these fields, and so have
/// the variables `OPENLEDGER_RPC`, `OPENLEDGER_WS`, `OPENLEDGER_API`, `OPENLEDGER_STORE` and `OPENLEDGER_KEYPAIR`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Named {
    /// JSON-RPC address of a node, or a moniker of the Solana CLI.
    pub rpc: Option<String>,
    /// Its WebSocket address.
    pub ws: Option<String>,
    /// Base address of an indexer's API.
    pub api: Option<String>,
    /// Artifact store: a folder, `s3://bucket/prefix`, or the URL of an artifact service.
    pub store: Option<String>,
    /// Key file of the wallet, or a hardware wallet.
    pub keypair: Option<PathBuf>,
}

impl Named {
    /// What the environment names.
    pub fn in_environment() -> Self {
        let text = |name: &str| std::env::var(format!("OPENLEDGER_{name}")).ok().filter(|text| !text.is_empty());
        Self {
            rpc: text("RPC"),
            ws: text("WS"),
            api: text("API"),
            store: text("STORE"),
            keypair: text("KEYPAIR").map(PathBuf::from),
        }
    }

    /// These, and what `others` name beside them.
    fn or(self, others: Self) -> Self {
        Self {
            // A WebSocket address goes with its node.
            ws: self.ws.or(if self.rpc.is_none() { others.ws } else { None }),
            rpc: self.rpc.or(others.rpc),
            api: self.api.or(others.api),
            store: self.store.or(others.store),
            keypair: self.keypair.or(others.keypair),
        }
    }
}

/// All settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// JSON-RPC address of a node.
    pub rpc: String,
    /// Its WebSocket address.
    pub ws: String,
    /// Base address of an indexer's API.
    pub api: String,
    /// Artifact store: a folder, `s3://bucket/prefix`, or the URL of an artifact service.
    pub store: String,
    /// Whether somebody has named the store. If not, it is a folder that others do not know.
    pub named_store: bool,
    /// Key file of the wallet, or a hardware wallet.
    pub keypair: PathBuf,
    /// Where a new wallet is made. The Solana CLI's is not touched.
    pub new_keypair: PathBuf,
}

fn home() -> PathBuf {
    std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default()
}

/// The product's folder in the one that the XDG variable names, or by default in this one of the home folder.
pub fn folder(variable: &str, below_home: &str) -> PathBuf {
    std::env::var_os(variable).map_or_else(|| home().join(below_home), PathBuf::from).join("openledger")
}

fn config_folder() -> PathBuf {
    folder("XDG_CONFIG_HOME", ".config")
}

/// Reads the settings file: the one that `OPENLEDGER_CONFIG` names, or the usual one if it is there.
fn read_file() -> Result<Named, SdkError> {
    let named = std::env::var_os("OPENLEDGER_CONFIG").map(PathBuf::from);
    let path = named.clone().unwrap_or_else(|| config_folder().join("config.toml"));
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            toml::from_str(&text).map_err(|e| SdkError::Input(format!("{} is not a config file: {e}", path.display())))
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound && named.is_none() => Ok(Named::default()),
        Err(e) => Err(SdkError::Input(format!("cannot read the config file {}: {e}", path.display()))),
    }
}

impl Settings {
    /// The settings by environment, settings file and the Solana CLI's config.
    pub fn find() -> Result<Self, SdkError> {
        Self::find_with(Named::in_environment())
    }

    /// The same, with what was `named` before all others.
    pub fn find_with(named: Named) -> Result<Self, SdkError> {
        Ok(Self::resolve(named, read_file()?, cluster::read_config(&home())))
    }

    fn resolve(named: Named, file: Named, solana: SolanaConfig) -> Self {
        let named = named.or(file);
        // The Solana CLI's WebSocket address goes with its node and no other.
        let (rpc, of_solana) = match named.rpc {
            Some(named) => (named, None),
            None => (solana.json_rpc_url.unwrap_or_else(|| "localhost".into()), solana.websocket_url),
        };
        let rpc = cluster::address(&rpc);
        // From here on it is a path, also where the file is looked for and made.
        let plain = |named: PathBuf| named.to_str().map(|name| key_path(name).into()).unwrap_or(named);
        let keypair = named.keypair.map(plain);
        let is_file = |named: &PathBuf| !is_no_file(&named.to_string_lossy());
        let store = named.store;
        let new_keypair = keypair.clone().filter(is_file).unwrap_or_else(|| config_folder().join("id.json"));
        Self {
            ws: named.ws.or(of_solana).unwrap_or_else(|| cluster::websocket(&rpc)),
            rpc,
            api: named.api.unwrap_or_else(|| "http://127.0.0.1:8910".into()),
            named_store: store.is_some(),
            store: store.unwrap_or_else(|| {
                folder("XDG_DATA_HOME", ".local/share").join("store").to_string_lossy().into_owned()
            }),
            // A wallet that was made with `openledger wallet new` stays the wallet.
            keypair: match (keypair, solana.keypair_path.map(plain)) {
                (Some(named), _) => named,
                (None, Some(other)) if !new_keypair.exists() => other,
                (None, _) => new_keypair.clone(),
            },
            new_keypair,
        }
    }

    /// Fails with a remedy if others cannot read what is stored here.
    pub fn is_shared(&self) -> Result<(), String> {
        if self.named_store || cluster::is_local(&self.rpc) {
            return Ok(());
        }
        Err(format!(
            "no artifact store is named, and others cannot read the folder {} of this machine: name the network's artifact \
             service with --store URL, or as `store` in {}",
            self.store,
            config_folder().join("config.toml").display()
        ))
    }

    /// The node.
    pub fn client(&self) -> Client {
        Client::new(&self.rpc, &self.ws)
    }

    /// The indexer.
    pub fn indexer(&self) -> IndexerClient {
        IndexerClient::new(&self.api)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(named: Named, file: &str) -> Settings {
        let solana = SolanaConfig {
            json_rpc_url: Some("https://solana.example".into()),
            websocket_url: Some("wss://solana.example/ws".into()),
            keypair_path: Some("/solana/id.json".into()),
        };
        Settings::resolve(named, toml::from_str(file).unwrap(), solana)
    }

    #[test]
    fn flags_win_over_the_file_and_the_file_over_the_solana_clis_config() {
        let named = Named { rpc: Some("devnet".into()), ..Default::default() };
        // The file's WebSocket address goes with the file's node.
        let s = resolved(named, "rpc = \"http://file\"\nws = \"ws://file\"\napi = \"http://api\"");
        assert_eq!((s.rpc.as_str(), s.api.as_str()), ("https://api.devnet.solana.com", "http://api"));
        assert_eq!(s.ws, "wss://api.devnet.solana.com");
        let s = resolved(Named::default(), "rpc = \"http://file:9\"\nkeypair = \"/own.json\"");
        assert_eq!((s.rpc.as_str(), s.ws.as_str()), ("http://file:9", "ws://file:10"));
        assert_eq!(s.keypair, PathBuf::from("/own.json"));
        let s = resolved(Named::default(), "");
        assert_eq!((s.rpc.as_str(), s.ws.as_str()), ("https://solana.example", "wss://solana.example/ws"));
    }

    #[test]
    fn what_others_must_read_goes_to_a_named_store_unless_the_node_is_this_machines() {
        let away = resolved(Named { rpc: Some("devnet".into()), ..Default::default() }, "");
        assert!(away.is_shared().unwrap_err().contains("--store"), "{away:?}");
        let named = resolved(Named { rpc: Some("devnet".into()), ..Default::default() }, "store = \"http://a\"");
        let local = resolved(Named { rpc: Some("http://127.0.0.1:8899".into()), ..Default::default() }, "");
        assert_eq!((named.is_shared(), local.is_shared()), (Ok(()), Ok(())));
    }

    #[test]
    fn a_key_file_that_is_named_as_a_url_is_a_path_everywhere() {
        for name in ["file:/keys/id.json", "file:///keys/id.json", "/keys/id.json"] {
            let s = resolved(Named { keypair: Some(name.into()), ..Default::default() }, "");
            assert_eq!((s.keypair, s.new_keypair), ("/keys/id.json".into(), "/keys/id.json".into()), "{name}");
            let s = resolved(Named::default(), &format!("keypair = {name:?}"));
            assert_eq!(s.keypair, PathBuf::from("/keys/id.json"), "{name}");
        }
        let other = resolved(Named { keypair: Some("usb://ledger".into()), ..Default::default() }, "");
        assert_eq!(other.keypair, PathBuf::from("usb://ledger"));
        assert!(other.new_keypair.ends_with("id.json"), "a new wallet is a file");
    }

    #[test]
    fn a_misspelt_key_in_the_file_is_refused() {
        assert!(toml::from_str::<Named>("rcp = \"x\"").is_err());
    }
}
