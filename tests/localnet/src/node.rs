//! The node: starting it, waiting for it, stopping it.

use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender};
use solana_hash::Hash;
use surfpool_core::surfnet::{GeyserEvent, locker::SurfnetSvmLocker, svm::SurfnetSvm};
use surfpool_types::{SimnetCommand, SimnetEvent};

use crate::{LocalnetConfig, LocalnetError, database, events, housekeeping::Housekeeping, ports::Ports};

/// The genesis hash of every local chain. surfpool's own hash would change at each start, and clients that identify the
/// cluster by it would take a restart for another chain.
const GENESIS_HASH: [u8; 32] = *b"openledger-local-chain-localnet!";

/// Most attempts to start. Another process can take a free port between our check and the node's binding.
const ATTEMPTS: u32 = 3;

/// A running node. Dropping it stops it.
pub struct Localnet {
    ports: Ports,
    commands: Sender<SimnetCommand>,
    ended: Receiver<String>,
    parts: Option<Parts>,
}

struct Parts {
    node: JoinHandle<()>,
    events: JoinHandle<()>,
    housekeeping: Housekeeping,
}

impl Localnet {
    /// Starts a node and returns when JSON-RPC and WebSocket both answer.
    pub fn start(config: LocalnetConfig) -> Result<Self, LocalnetError> {
        if config.slot_ms == 0 {
            return Err(LocalnetError::ZeroSlot);
        }
        let ports_are_ours = config.rpc_port == 0 && config.ws_port == 0;
        for _ in 1..ATTEMPTS {
            match Self::attempt(&config) {
                Err(LocalnetError::Aborted(reason)) if ports_are_ours => tracing::warn!("starting again: {reason}"),
                result => return result,
            }
        }
        Self::attempt(&config)
    }

    fn attempt(config: &LocalnetConfig) -> Result<Self, LocalnetError> {
        let ports = Ports::choose(config.rpc_port, config.ws_port)?;
        let (svm, simnet_events, geyser) = open_chain(config)?;
        let locker = SurfnetSvmLocker::new(svm);
        let (commands, command_queue) = crossbeam_channel::unbounded();
        let (ended_sender, ended) = crossbeam_channel::bounded(1);
        let node = thread::Builder::new().name("localnet".into()).spawn({
            let (locker, commands, surfpool) = (locker.clone(), commands.clone(), config.surfpool(&ports));
            move || {
                let run = surfpool_core::runloops::start_local_surfnet_runloop(
                    locker,
                    surfpool,
                    commands,
                    command_queue,
                    geyser,
                );
                let reason = match hiro_system_kit::nestable_block_on(run) {
                    Ok(()) => "its run loop ended".to_owned(),
                    Err(error) => error.to_string(),
                };
                let _ = ended_sender.send(reason);
            }
        })?;
        events::wait_ready(&simnet_events, config.ready_timeout)?;
        let parts = Parts {
            node,
            events: events::drain(simnet_events)?,
            housekeeping: Housekeeping::start(locker, config.db.is_some())?,
        };
        Ok(Self { ports, commands, ended, parts: Some(parts) })
    }

    /// `http://127.0.0.1:PORT`
    pub fn rpc_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.rpc)
    }

    /// `ws://127.0.0.1:PORT`
    pub fn ws_url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.ports.ws)
    }

    /// The channel that receives the reason if the node ends by itself.
    pub fn ended(&self) -> &Receiver<String> {
        &self.ended
    }

    /// Closes both servers, frees their ports and writes the chain to the database.
    pub fn stop(mut self) {
        self.shut_down();
    }

    fn shut_down(&mut self) {
        let Some(parts) = self.parts.take() else { return };
        parts.housekeeping.stop();
        let _ = self.commands.send(SimnetCommand::Terminate(None));
        let _ = parts.node.join();
        let _ = parts.events.join();
    }
}

impl Drop for Localnet {
    fn drop(&mut self) {
        self.shut_down();
    }
}

/// Opens the chain in the settings' database, or a new chain.
fn open_chain(
    config: &LocalnetConfig,
) -> Result<(SurfnetSvm, Receiver<SimnetEvent>, Receiver<GeyserEvent>), LocalnetError> {
    let mut file = None;
    if let Some(path) = &config.db {
        database::prepare(path)?;
        file = Some(path.to_string_lossy());
    }
    let (mut svm, simnet_events, geyser) =
        SurfnetSvm::new_with_db(file.as_deref(), config.svm()).map_err(|e| LocalnetError::Setup(e.to_string()))?;
    svm.cached_genesis_hash = Some(Hash::new_from_array(GENESIS_HASH));
    // surfpool takes the slot at which it resumes for "now", which would put earlier slots into the future.
    let age_ms = svm.get_latest_absolute_slot().saturating_sub(svm.genesis_slot).saturating_mul(config.slot_ms);
    svm.genesis_updated_at = svm.updated_at.saturating_sub(age_ms);
    svm.reconstruct_sysvars();
    Ok((svm, simnet_events, geyser))
}
