//! Settings: the addresses of the node and of the services, the store, and the key.

use crate::{confirm, failure, output::Output, sent};
use anyhow::Result;
use clap::Args;
use openledger_sdk::{
    AnySigner, Client, ErrorKind, PriorityFee, Sending, Settings, Store,
    api::IndexerClient,
    settings::{Named, folder},
    store::{Location, Wallet},
    wallet::find_signer,
};
use std::{path::PathBuf, time::Duration};

/// How long a node that does not answer is asked again. Whoever waits at a terminal wants to know soon.
const PATIENCE: Duration = Duration::from_secs(2);

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
    #[arg(long, global = true, env = "OPENLEDGER_PRIORITY_FEE", value_name = "PRICE")]
    priority_fee: Option<PriorityFee>,
}

impl From<SettingsArgs> for Named {
    fn from(args: SettingsArgs) -> Self {
        let SettingsArgs { rpc, ws, api, store, keypair, priority_fee: _ } = args;
        Self { rpc, ws, api, store, keypair }
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
        let priority = args.priority_fee.unwrap_or_else(PriorityFee::auto);
        let settings = Settings::find_with(args.into())?;
        let client = settings.client().with_sending(Sending { simulate: true, priority }).with_patience(PATIENCE);
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
        self.settings.indexer()
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
        let device = self.settings.keypair.to_string_lossy().starts_with("usb:");
        if device && matches!(Location::parse(&self.settings.store)?, Location::Service(_)) {
            let message = "a hardware wallet signs transactions alone, and an artifact service takes what a wallet has \
                           signed for: name a key file with --keypair, or another store with --store";
            return Err(failure::of(ErrorKind::Input, message));
        }
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
