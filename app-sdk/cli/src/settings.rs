//! Settings: the addresses of the node and of the services, the store, and the key.

use crate::{cluster, confirm, failure, output::Output, sent};
use anyhow::Result;
use clap::Args;
use openledger_sdk::{
    AnySigner, Client, ErrorKind, PriorityFee, Sending, Store,
    api::IndexerClient,
    store::{Location, Wallet},
    wallet::{find_signer, is_no_file, key_path},
};
use serde::Deserialize;
use std::{path::PathBuf, time::Duration};

/// How long a node that does not answer is asked again. Whoever waits at a terminal wants to know soon.
const PATIENCE: Duration = Duration::from_secs(2);
/// Most micro-lamports for a compute unit that are paid without being asked for: 0.0002 SOL for a common transaction.
const MOST_PRICE: u64 = 1_000_000;

/// Settings from flags and environment.
#[derive(Args, Clone, Debug, Default)]
pub struct SettingsArgs {
    /// JSON-RPC address of a Solana node, or a moniker: localhost, devnet, testnet, mainnet-beta, or their first letters.
    #[arg(short = 'u', long = "url", visible_alias = "rpc", global = true, env = "OPENLEDGER_RPC", value_name = "URL")]
    rpc: Option<String>,
    /// WebSocket address of the node; by default it follows from --url.
    #[arg(long, global = true, env = "OPENLEDGER_WS", value_name = "URL")]
    ws: Option<String>,
    /// Address of an indexer's API.
    #[arg(long, global = true, env = "OPENLEDGER_API", value_name = "URL")]
    api: Option<String>,
    /// Artifact store: a folder, s3://bucket/prefix, or the URL of an artifact service.
    #[arg(long, global = true, env = "OPENLEDGER_STORE", value_name = "URL")]
    store: Option<String>,
    /// Key file of the wallet that signs and pays, or a hardware wallet such as usb://ledger?key=0.
    #[arg(short = 'k', long, global = true, env = "OPENLEDGER_KEYPAIR", value_name = "FILE")]
    keypair: Option<PathBuf>,
    /// Micro-lamports to pay for each compute unit of a transaction, or auto: what others paid lately, within a bound.
    #[arg(long, global = true, env = "OPENLEDGER_PRIORITY_FEE", value_name = "PRICE", value_parser = priority_fee)]
    priority_fee: Option<PriorityFee>,
}

fn priority_fee(text: &str) -> Result<PriorityFee, String> {
    match text {
        "auto" => Ok(PriorityFee::Recent { most: MOST_PRICE }),
        number => match number.parse() {
            Ok(0) => Ok(PriorityFee::None),
            Ok(price) => Ok(PriorityFee::Fixed(price)),
            Err(_) => Err("write a number of micro-lamports for a compute unit, or auto".into()),
        },
    }
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
    /// Whether somebody has named the store. If not, it is a folder that others do not know.
    named_store: bool,
    keypair: PathBuf,
    /// Where a new wallet is made. The Solana CLI's is not touched.
    new_keypair: PathBuf,
    priority_fee: PriorityFee,
}

fn home() -> PathBuf {
    std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default()
}

fn folder(variable: &str, below_home: &str) -> PathBuf {
    std::env::var_os(variable).map_or_else(|| home().join(below_home), PathBuf::from).join("openledger")
}

impl Settings {
    fn resolve(args: SettingsArgs, file: ConfigFile, solana: cluster::SolanaConfig) -> Self {
        // The Solana CLI's WebSocket address goes with its node and no other.
        let (rpc, of_solana) = match args.rpc.or(file.rpc) {
            Some(named) => (named, None),
            None => (solana.json_rpc_url.unwrap_or_else(|| "localhost".into()), solana.websocket_url),
        };
        let rpc = cluster::address(&rpc);
        // From here on it is a path, also where the file is looked for and made.
        let plain = |named: PathBuf| named.to_str().map(|name| key_path(name).into()).unwrap_or(named);
        let named = args.keypair.or(file.keypair).map(plain);
        let is_file = |named: &PathBuf| !is_no_file(&named.to_string_lossy());
        let store = args.store.or(file.store);
        let new_keypair = named.clone().filter(is_file).unwrap_or_else(|| config_folder().join("id.json"));
        Self {
            ws: args.ws.or(file.ws).or(of_solana).unwrap_or_else(|| cluster::websocket(&rpc)),
            rpc,
            api: args.api.or(file.api).unwrap_or_else(|| "http://127.0.0.1:8910".into()),
            named_store: store.is_some(),
            store: store.unwrap_or_else(|| {
                folder("XDG_DATA_HOME", ".local/share").join("store").to_string_lossy().into_owned()
            }),
            // A wallet that was made with `openledger wallet new` stays the wallet.
            keypair: match (named, solana.keypair_path.map(plain)) {
                (Some(named), _) => named,
                (None, Some(other)) if !new_keypair.exists() => other,
                (None, _) => new_keypair.clone(),
            },
            new_keypair,
            priority_fee: args.priority_fee.unwrap_or(PriorityFee::Recent { most: MOST_PRICE }),
        }
    }

    /// Fails with a remedy if others cannot read what is stored here.
    fn is_shared(&self) -> Result<(), String> {
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
}

fn config_folder() -> PathBuf {
    folder("XDG_CONFIG_HOME", ".config")
}

fn read_config() -> Result<ConfigFile> {
    let named = std::env::var_os("OPENLEDGER_CONFIG").map(PathBuf::from);
    let path = named.clone().unwrap_or_else(|| config_folder().join("config.toml"));
    match std::fs::read_to_string(&path) {
        Ok(text) => toml::from_str(&text)
            .map_err(|e| failure::of(ErrorKind::Input, format!("{} is not a config file: {e}", path.display()))),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound && named.is_none() => Ok(ConfigFile::default()),
        Err(e) => Err(failure::of(ErrorKind::Input, format!("cannot read the config file {}: {e}", path.display()))),
    }
}

/// What every command works with. Nothing is opened before it is used: `wallet new` needs no node.
pub struct Session {
    settings: Settings,
    client: Client,
    yes: bool,
    /// How to print.
    pub output: Output,
}

impl Session {
    /// Resolves the settings. `yes` answers every question.
    pub fn open(args: SettingsArgs, yes: bool, output: Output) -> Result<Self> {
        let solana = cluster::read_config(&home());
        let settings = Settings::resolve(args, read_config()?, solana);
        let sending = Sending { simulate: true, priority: settings.priority_fee };
        let client = Client::new(&settings.rpc, &settings.ws).with_sending(sending).with_patience(PATIENCE);
        Ok(Self { settings, client, yes, output })
    }

    /// Asks before something is paid: the wallet, and what it pays for.
    pub fn confirm(&self, question: &str) -> Result<()> {
        confirm::confirm(question, self.yes)
    }

    /// Fails if [`Session::confirm`] could get no answer.
    pub fn answerable(&self) -> Result<()> {
        confirm::answerable(self.yes)
    }

    /// The node.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// The indexer, as it is.
    pub fn indexer(&self) -> IndexerClient {
        IndexerClient::new(&self.settings.api)
    }

    /// The indexer for a command that shows what it knows: it has what was sent from here before, or says how far it is
    /// behind.
    pub async fn caught_up(&self) -> IndexerClient {
        let indexer = self.indexer();
        if let Some(lag) = sent::catch_up(&indexer, self.sent().read()).await {
            self.output.note(&lag, &lag.to_string());
        }
        indexer
    }

    /// Notes the slot of what this process has sent, so that later commands wait for it.
    pub fn remember(&self) {
        if let Some(slot) = self.client.landed_slot() {
            self.sent().write(slot);
        }
    }

    fn sent(&self) -> sent::Sent {
        sent::Sent::to(&self.state_folder(), &self.settings.rpc)
    }

    /// The artifact store. An artifact service is only read if there is no wallet that could sign for it. A hardware wallet
    /// cannot: it signs transactions alone.
    pub fn store(&self) -> Result<Store> {
        let wallet = match Location::parse(&self.settings.store)? {
            Location::Service(_) if self.settings.keypair.exists() => Some(Wallet::from(self.signer()?)),
            _ => None,
        };
        Ok(Store::open_as(&self.settings.store, wallet)?)
    }

    /// The artifact store for what others have to read, or for what is judged by what is in it. Fails if nobody has named a
    /// store and the node is another machine's: a bond would be lost, because nobody else reads this machine's folder.
    pub fn shared_store(&self) -> Result<Store> {
        self.settings.is_shared().map_err(|message| failure::of(ErrorKind::Input, message))?;
        self.store()
    }

    /// The wallet that signs and pays.
    pub fn signer(&self) -> Result<Box<AnySigner>> {
        Ok(find_signer(&self.settings.keypair.to_string_lossy())?)
    }

    /// Where that wallet's key file is or would be.
    pub fn keypair_path(&self) -> &std::path::Path {
        &self.settings.keypair
    }

    /// Where a new wallet's key file is made.
    pub fn new_keypair_path(&self) -> &std::path::Path {
        &self.settings.new_keypair
    }

    /// Folder for what must survive this process.
    pub fn state_folder(&self) -> PathBuf {
        folder("XDG_STATE_HOME", ".local/state")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(args: SettingsArgs, file: &str) -> Settings {
        let solana = cluster::SolanaConfig {
            json_rpc_url: Some("https://solana.example".into()),
            websocket_url: Some("wss://solana.example/ws".into()),
            keypair_path: Some("/solana/id.json".into()),
        };
        Settings::resolve(args, toml::from_str(file).unwrap(), solana)
    }

    #[test]
    fn flags_win_over_the_file_and_the_file_over_the_solana_clis_config() {
        let args = SettingsArgs { rpc: Some("devnet".into()), ..Default::default() };
        let s = resolved(args, "rpc = \"http://file\"\napi = \"http://api\"");
        assert_eq!((s.rpc.as_str(), s.api.as_str()), ("https://api.devnet.solana.com", "http://api"));
        assert_eq!(s.ws, "wss://api.devnet.solana.com");
        let s = resolved(SettingsArgs::default(), "rpc = \"http://file:9\"\nkeypair = \"/own.json\"");
        assert_eq!((s.rpc.as_str(), s.ws.as_str()), ("http://file:9", "ws://file:10"));
        assert_eq!(s.keypair, PathBuf::from("/own.json"));
        let s = resolved(SettingsArgs::default(), "");
        assert_eq!((s.rpc.as_str(), s.ws.as_str()), ("https://solana.example", "wss://solana.example/ws"));
    }

    #[test]
    fn what_others_must_read_goes_to_a_named_store_unless_the_node_is_this_machines() {
        let away = resolved(SettingsArgs { rpc: Some("devnet".into()), ..Default::default() }, "");
        assert!(away.is_shared().unwrap_err().contains("--store"), "{away:?}");
        let named = resolved(SettingsArgs { rpc: Some("devnet".into()), ..Default::default() }, "store = \"http://a\"");
        let local = resolved(SettingsArgs { rpc: Some("http://127.0.0.1:8899".into()), ..Default::default() }, "");
        assert_eq!((named.is_shared(), local.is_shared()), (Ok(()), Ok(())));
    }

    #[test]
    fn a_key_file_that_is_named_as_a_url_is_a_path_everywhere() {
        for name in ["file:/keys/id.json", "file:///keys/id.json", "/keys/id.json"] {
            let s = resolved(SettingsArgs { keypair: Some(name.into()), ..Default::default() }, "");
            assert_eq!((s.keypair, s.new_keypair), ("/keys/id.json".into(), "/keys/id.json".into()), "{name}");
            let s = resolved(SettingsArgs::default(), &format!("keypair = {name:?}"));
            assert_eq!(s.keypair, PathBuf::from("/keys/id.json"), "{name}");
        }
        let other = resolved(SettingsArgs { keypair: Some("usb://ledger".into()), ..Default::default() }, "");
        assert_eq!(other.keypair, PathBuf::from("usb://ledger"));
        assert!(other.new_keypair.ends_with("id.json"), "a new wallet is a file");
    }

    #[test]
    fn a_priority_fee_is_a_number_or_auto() {
        assert_eq!(priority_fee("auto"), Ok(PriorityFee::Recent { most: MOST_PRICE }));
        assert_eq!((priority_fee("0"), priority_fee("5")), (Ok(PriorityFee::None), Ok(PriorityFee::Fixed(5))));
        assert!(priority_fee("much").is_err());
    }

    #[test]
    fn a_misspelt_key_in_the_file_is_refused() {
        assert!(toml::from_str::<ConfigFile>("rcp = \"x\"").is_err());
    }
}
