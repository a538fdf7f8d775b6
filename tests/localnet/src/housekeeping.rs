//! Two tasks that surfpool leaves to its host. Once a second, this keeps the chain's clock at wall time and writes the
//! slot to the database.

use std::{
    io,
    thread::{self, JoinHandle},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use surfpool_core::surfnet::{locker::SurfnetSvmLocker, svm::SurfnetSvm};

const PERIOD: Duration = Duration::from_secs(1);

/// Largest drift that is corrected. A clock that is further behind was moved on purpose by time travel.
const LARGEST_DRIFT_MS: u64 = 60_000;

/// The housekeeping thread. When told to stop, it does a last round and ends.
pub(crate) struct Housekeeping {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Housekeeping {
    /// `persist`: whether the chain has a database to write the slot to.
    pub fn start(node: SurfnetSvmLocker, persist: bool) -> io::Result<Self> {
        let (stop, stopped) = crossbeam_channel::bounded(1);
        let thread =
            thread::Builder::new().name("localnet-housekeeping".into()).spawn(move || run(&node, persist, &stopped))?;
        Ok(Self { stop, thread })
    }

    pub fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.thread.join();
    }
}

fn run(node: &SurfnetSvmLocker, persist: bool, stopped: &Receiver<()>) {
    loop {
        let last = stopped.recv_timeout(PERIOD) != Err(RecvTimeoutError::Timeout);
        node.with_svm_writer(|svm| {
            follow_wall_clock(svm);
            if persist {
                write_slot(svm);
            }
        });
        if last {
            return;
        }
    }
}

/// Moves the chain's clock to wall time. The clock is "start + slots × slot time", but real slots take about a
/// hundredth longer.
fn follow_wall_clock(svm: &mut SurfnetSvm) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as u64);
    if now.checked_sub(svm.updated_at).is_some_and(|behind| behind < LARGEST_DRIFT_MS) {
        svm.updated_at = now;
    }
}

/// Writes the slot to the database. surfpool itself does so only once a minute, and not at shutdown.
fn write_slot(svm: &mut SurfnetSvm) {
    let slot = svm.get_latest_absolute_slot();
    match svm.slot_checkpoint.store("latest_slot".into(), slot) {
        Ok(()) => svm.last_checkpoint_slot = slot,
        Err(error) => tracing::error!("cannot write slot {slot} to the chain database: {error}"),
    }
}
