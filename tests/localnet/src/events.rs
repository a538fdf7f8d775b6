//! The node's event channel. It holds 1,024 events. Lifecycle events block when it is full, so it must be emptied for
//! as long as the node lives.

use std::{
    io,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use surfpool_types::SimnetEvent;

use crate::LocalnetError;

/// Number of shutdown events that end the stream. Each server sends one.
const SERVERS: u32 = 2;

/// Waits until both servers answer.
pub(crate) fn wait_ready(events: &Receiver<SimnetEvent>, timeout: Duration) -> Result<(), LocalnetError> {
    let deadline = Instant::now() + timeout;
    loop {
        match events.recv_deadline(deadline) {
            Ok(SimnetEvent::CoreStarted(_)) => return Ok(()),
            Ok(SimnetEvent::Aborted(reason)) => return Err(LocalnetError::Aborted(reason)),
            Ok(_) => {}
            Err(RecvTimeoutError::Timeout) => return Err(LocalnetError::NotReady(timeout)),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(LocalnetError::Aborted("it gave no reason".into()));
            }
        }
    }
}

/// Empties the channel until the node has shut down. Errors and warnings go to the log.
pub(crate) fn drain(events: Receiver<SimnetEvent>) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name("localnet-events".into()).spawn(move || {
        let mut down = 0;
        while let Ok(event) = events.recv() {
            match event {
                SimnetEvent::Shutdown => down += 1,
                SimnetEvent::ErrorLog(_, message) => tracing::error!("{message}"),
                SimnetEvent::WarnLog(_, message) => tracing::warn!("{message}"),
                _ => {}
            }
            if down == SERVERS {
                break;
            }
        }
    })
}
