//! What the node is doing, for people and programs that watch `/v1/status`.

use serde::{Deserialize, Serialize};
use solana_pubkey::Pubkey;
use std::sync::{Arc, RwLock};

/// A snapshot of the node's work.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Status {
    /// Wallet of the operator.
    pub operator: String,
    /// Epoch of the committee whose key share is stored here; 0 before.
    pub committee_epoch: u64,
    /// The job being trained.
    pub training: Option<Training>,
    /// The job of another operator being checked.
    pub verifying: Option<String>,
    /// The epoch being settled.
    pub settling: Option<Settling>,
    /// Epoch of the last settlement seen active; 0 before.
    pub settled_epoch: u64,
}

/// A job being trained.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Training {
    /// The job's account.
    pub job: String,
    /// `training`, `indexing` or `attesting`.
    pub phase: String,
    /// Steps or examples done.
    pub done: u64,
    /// Steps or examples in all.
    pub total: u64,
    /// Latest training loss; the validation loss before the first step.
    pub loss: Option<f32>,
}

/// An epoch being settled.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Settling {
    /// The epoch.
    pub epoch: u64,
    /// What is being done.
    pub phase: String,
}

/// Where parts of the node write and watchers read.
#[derive(Clone, Default)]
pub struct Board(Arc<RwLock<Status>>);

impl Board {
    /// A copy of the present status.
    pub fn get(&self) -> Status {
        self.0.read().expect("no panic holds this lock").clone()
    }

    /// Changes it.
    pub fn update(&self, change: impl FnOnce(&mut Status)) {
        change(&mut self.0.write().expect("no panic holds this lock"));
    }

    pub(crate) fn training(&self, job: Pubkey, done: u64, total: u64, loss: Option<f32>) {
        self.phase(job, "training", done, total, loss);
    }

    pub(crate) fn indexing(&self, job: Pubkey) {
        self.phase(job, "indexing", 0, 0, None);
    }

    pub(crate) fn index(&self, done: u64, total: u64) {
        self.update(|s| {
            if let Some(t) = &mut s.training {
                (t.done, t.total) = (done, total);
            }
        });
    }

    pub(crate) fn attesting(&self, job: Pubkey) {
        self.phase(job, "attesting", 0, 0, None);
    }

    pub(crate) fn settling(&self, epoch: u64, phase: &str) {
        self.update(|s| s.settling = Some(Settling { epoch, phase: phase.into() }));
    }

    pub(crate) fn settled(&self, epoch: u64) {
        self.update(|s| (s.settling, s.settled_epoch) = (None, s.settled_epoch.max(epoch)));
    }

    fn phase(&self, job: Pubkey, phase: &str, done: u64, total: u64, loss: Option<f32>) {
        let training = Training { job: job.to_string(), phase: phase.into(), done, total, loss };
        self.update(|s| s.training = Some(training));
    }
}
