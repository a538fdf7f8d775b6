//! What the node is doing, for people and programs that watch `/v1/status`.

use serde::{Deserialize, Serialize};
use solana_pubkey::Pubkey;
use std::{
    collections::BTreeSet,
    sync::{Arc, RwLock},
};

/// A snapshot of the node's work.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Status {
    /// Wallet of the operator.
    pub operator: String,
    /// Epoch of the latest committee whose key this operator confirmed. 0 before the first.
    pub committee_epoch: u64,
    /// The job that this node trains.
    pub training: Option<Training>,
    /// The job of another operator that this node verifies.
    pub verifying: Option<String>,
    /// Disputes of other members about training logs that did not hold when this node looked, in words.
    #[serde(default)]
    pub false_disputes: BTreeSet<String>,
    /// The epoch that this node settles.
    pub settling: Option<Settling>,
    /// Epoch of the last settlement that this node saw active. 0 before the first.
    pub settled_epoch: u64,
}

/// The progress of a job in training.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Training {
    /// The job's account.
    pub job: String,
    /// `training`, `indexing`, `auditing` or `attesting`.
    pub phase: String,
    /// Steps or examples done.
    pub done: u64,
    /// Steps or examples in all.
    pub total: u64,
    /// Latest training loss. Before the first step it is the validation loss.
    pub loss: Option<f32>,
}

/// The progress of an epoch in settlement.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Settling {
    /// The epoch.
    pub epoch: u64,
    /// The present phase, in words.
    pub phase: String,
}

/// Holds the status. The parts of the node write it, and watchers read it.
#[derive(Clone, Default)]
pub struct Board(Arc<RwLock<Status>>);

impl Board {
    /// A copy of the present status.
    pub fn get(&self) -> Status {
        self.0.read().expect("no panic holds this lock").clone()
    }

    /// Changes the status.
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

    pub(crate) fn auditing(&self, job: Pubkey, done: u64, total: u64) {
        self.phase(job, "auditing", done, total, None);
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
