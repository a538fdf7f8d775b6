//! What the node is doing, for people and programs that watch `/v1/status`.

use serde::{Deserialize, Serialize};
use solana_pubkey::Pubkey;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, RwLock},
};

/// Most disputes that the status names.
const MOST_DISPUTES: usize = 64;
/// Most jobs that the status says are not done.
const MOST_NOT_DONE: usize = 64;

/// A snapshot of the node's work.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Status {
    /// Wallet of the operator.
    pub operator: String,
    /// The class of arithmetic that it computes with.
    #[serde(default)]
    pub kernel: String,
    /// Epoch of the latest committee whose key this operator confirmed. 0 before the first.
    pub committee_epoch: u64,
    /// The job that this node trains.
    pub training: Option<Training>,
    /// Requested jobs that this node does not take, and own jobs that it has tried in vain, each with the reason.
    #[serde(default)]
    pub not_done: BTreeMap<String, String>,
    /// The job of another operator that this node verifies.
    pub verifying: Option<String>,
    /// Disputes of other members about training logs that did not hold when this node looked, in words.
    #[serde(default)]
    pub false_disputes: BTreeSet<String>,
    /// The segments of others' training logs that this node re-executed, beside what was logged.
    #[serde(default)]
    pub segments: Compared,
    /// The weights that this node worked out for answers, beside those of the answers' receipts.
    #[serde(default)]
    pub answers: Compared,
    /// The epoch that this node settles.
    pub settling: Option<Settling>,
    /// The progress of an audit, in words.
    #[serde(default)]
    pub auditing: Option<String>,
    /// Epoch of the last settlement that this node saw active. 0 before the first.
    pub settled_epoch: u64,
}

/// What this node computed again since its start, beside what others had published. An operator sees by it how near its
/// machine comes to the band within which members agree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// Equal bit for bit.
    pub equal: u64,
    /// Not equal, and within the band.
    pub near: u64,
    /// Outside of the band, or not comparable.
    pub outside: u64,
    /// The largest distance within the band, in parts per billion, rounded up. The band is 200,000.
    pub largest_ppb: u64,
}

impl Compared {
    /// Counts a comparison. `within` is the distance if it is within the band.
    fn count(&mut self, equal: bool, within: Option<u64>) {
        match within {
            _ if equal => self.equal += 1,
            Some(distance) => (self.near, self.largest_ppb) = (self.near + 1, self.largest_ppb.max(distance)),
            None => self.outside += 1,
        }
    }
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

    /// Notes a dispute that did not hold, in words.
    pub(crate) fn false_dispute(&self, line: String) {
        self.update(|s| {
            s.false_disputes.insert(line);
            if s.false_disputes.len() > MOST_DISPUTES {
                s.false_disputes.pop_first();
            }
        });
    }

    /// Notes why a job is not taken or does not end. Returns whether that is news.
    pub(crate) fn not_done(&self, job: &Pubkey, reason: String) -> bool {
        let mut news = false;
        self.update(|s| {
            news = s.not_done.insert(job.to_string(), reason.clone()) != Some(reason);
            if s.not_done.len() > MOST_NOT_DONE {
                s.not_done.pop_first();
            }
        });
        news
    }

    /// Counts a comparison with what another operator published. `within` is its distance in parts per billion, if that is
    /// within the band.
    pub(crate) fn compared(&self, which: impl FnOnce(&mut Status) -> &mut Compared, equal: bool, within: Option<u64>) {
        self.update(|s| which(s).count(equal, within));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_is_not_done_is_named_once_with_its_reason() {
        let (board, job) = (Board::default(), Pubkey::new_unique());
        assert!(board.not_done(&job, "too large".into()));
        assert!(!board.not_done(&job, "too large".into()));
        assert!(board.not_done(&job, "too cheap".into()));
        assert_eq!(board.get().not_done, BTreeMap::from([(job.to_string(), "too cheap".into())]));
        for _ in 0..100 {
            board.not_done(&Pubkey::new_unique(), "too large".into());
        }
        assert_eq!(board.get().not_done.len(), MOST_NOT_DONE);
    }

    #[test]
    fn the_largest_distance_is_of_what_is_within_the_band() {
        let board = Board::default();
        for (equal, within) in [(true, Some(0)), (false, Some(40)), (false, None), (false, Some(7))] {
            board.compared(|s| &mut s.segments, equal, within);
        }
        let expected = Compared { equal: 1, near: 2, outside: 1, largest_ppb: 40 };
        assert_eq!((board.get().segments, board.get().answers), (expected, Compared::default()));
    }
}
