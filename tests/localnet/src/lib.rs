//! A real local Solana node in one process, for the demo and the tests: JSON-RPC and WebSocket on loopback over the
//! same virtual machine that validators run. SPL Token, Token-2022, Associated Token Account and Memo are preloaded.
//! It never contacts another machine.
//!
//! ```no_run
//! use openledger_localnet::{Localnet, LocalnetConfig};
//! let node = Localnet::start(LocalnetConfig { slot_ms: 50, ..LocalnetConfig::default() })?;
//! println!("{} {}", node.rpc_url(), node.ws_url());
//! # Ok::<(), openledger_localnet::LocalnetError>(())
//! ```

mod config;
mod database;
mod error;
mod events;
mod housekeeping;
mod node;
mod ports;

pub use config::LocalnetConfig;
pub use error::LocalnetError;
pub use node::Localnet;
