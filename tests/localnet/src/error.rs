//! Reasons why a node could not be started.

use std::{io, path::PathBuf, time::Duration};

use thiserror::Error;

/// Reasons why a node could not be started.
#[derive(Debug, Error)]
pub enum LocalnetError {
    /// A port that was asked for belongs to another process.
    #[error(
        "port {port} for {server} is already in use: stop the process that holds it, or choose another with {flag}"
    )]
    PortTaken {
        /// The port.
        port: u16,
        /// "JSON-RPC" or "WebSocket".
        server: &'static str,
        /// The option that chooses another port.
        flag: &'static str,
    },
    /// JSON-RPC and WebSocket were given one port.
    #[error("JSON-RPC and WebSocket cannot share port {0}: give --rpc-port and --ws-port two different ports")]
    SamePort(u16),
    /// The system refused a port for another reason.
    #[error("cannot listen on 127.0.0.1:{port}: {source}")]
    Port {
        /// The port.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
    /// The slot time is zero.
    #[error("a slot cannot take 0 ms: give --slot-ms 1 or more")]
    ZeroSlot,
    /// The chain's database cannot be used.
    #[error("cannot use the chain database {path}: {reason}")]
    Database {
        /// The SQLite file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The virtual machine refused its settings.
    #[error("the node could not be set up: {0}")]
    Setup(String),
    /// The node stopped before it was ready.
    #[error("the node stopped while starting: {0}")]
    Aborted(String),
    /// The node is alive but did not become ready.
    #[error("the node was not ready after {0:?}: is the machine overloaded?")]
    NotReady(Duration),
    /// A thread could not be started.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] io::Error),
}
