//! Settings of a node.

use std::{path::PathBuf, time::Duration};

use solana_pubkey::{Pubkey, pubkey};
use surfpool_core::surfnet::svm::SurfnetSvmConfig;
use surfpool_types::{BlockProductionMode, RpcConfig, SimnetConfig, SurfpoolConfig, SvmFeatureConfig};

use crate::ports::Ports;

/// Key of this chain's rows in the database file.
pub(crate) const CHAIN_ID: &str = "localnet";

/// The feature `enable_tx_v1`: transactions of version 1, which mainnet takes. The features that surfpool begins with are
/// older.
const ENABLE_TX_V1: Pubkey = pubkey!("txv1aq4pp281K9um3tnPgkfX8UqtFT6wcVW3hNezGLL");

/// Settings of a [`Localnet`](crate::Localnet).
#[derive(Clone, Debug)]
pub struct LocalnetConfig {
    /// JSON-RPC port on 127.0.0.1; 0 picks a free one.
    pub rpc_port: u16,
    /// WebSocket port on 127.0.0.1; 0 picks a free one.
    pub ws_port: u16,
    /// Milliseconds between slots. A cluster has 400; 50 still works on two cores.
    pub slot_ms: u64,
    /// SQLite file that keeps the chain across restarts; `None` keeps it in memory.
    pub db: Option<PathBuf>,
    /// Accounts that get [`airdrop_lamports`](Self::airdrop_lamports) at every start.
    pub airdrop: Vec<Pubkey>,
    /// Lamports for each account in [`airdrop`](Self::airdrop).
    pub airdrop_lamports: u64,
    /// How long to wait until both servers answer.
    pub ready_timeout: Duration,
}

impl Default for LocalnetConfig {
    fn default() -> Self {
        Self {
            rpc_port: 0,
            ws_port: 0,
            slot_ms: 400,
            db: None,
            airdrop: Vec::new(),
            airdrop_lamports: 1_000_000_000_000,
            ready_timeout: Duration::from_secs(60),
        }
    }
}

impl LocalnetConfig {
    /// The same settings as surfpool's configuration.
    pub(crate) fn surfpool(&self, ports: &Ports) -> SurfpoolConfig {
        let simnet = SimnetConfig {
            offline_mode: true,
            remote_rpc_url: None,
            slot_time: self.slot_ms,
            block_production_mode: BlockProductionMode::Clock,
            // surfpool uses another major version of the key type. The bytes are the same.
            airdrop_addresses: self.airdrop.iter().map(|key| key.to_bytes().into()).collect(),
            airdrop_token_amount: self.airdrop_lamports,
            // surfpool's default profiles each transaction by simulating it once more for each instruction.
            instruction_profiling_enabled: false,
            // A cluster truncates logs at 10,000 bytes. Events in the logs would then be lost.
            log_bytes_limit: None,
            surfnet_id: CHAIN_ID.into(),
            ..SimnetConfig::default()
        };
        let rpc = RpcConfig {
            bind_host: "127.0.0.1".into(),
            bind_port: ports.rpc,
            ws_port: ports.ws,
            ..RpcConfig::default()
        };
        SurfpoolConfig { simnets: vec![simnet], rpc, ..SurfpoolConfig::default() }
    }

    /// The virtual machine's part of the settings.
    pub(crate) fn svm(&self) -> SurfnetSvmConfig {
        SurfnetSvmConfig {
            surfnet_id: CHAIN_ID.into(),
            slot_time: self.slot_ms,
            instruction_profiling_enabled: false,
            max_profiles: SimnetConfig::default().max_profiles,
            log_bytes_limit: None,
            feature_config: SvmFeatureConfig::default().enable(ENABLE_TX_V1.to_bytes().into()),
            skip_blockhash_check: false,
        }
    }
}
