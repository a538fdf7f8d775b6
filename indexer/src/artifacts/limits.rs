//! How much the artifact service takes, and for how long it keeps what nobody names.

use super::class::Class;
use openledger_sdk::{
    amount,
    manifest::MOST_BYTES,
    store::{Key, MOST_ANSWER},
};
use std::time::Duration;

/// Fewest bytes that a file counts in a quota: a file takes a block of the disk, and a row in the database.
const BLOCK: u64 = 4096;

/// What a file of `bytes` bytes counts in a quota.
pub(super) fn counted(bytes: u64) -> u64 {
    bytes.max(BLOCK)
}

/// The limits of a service.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Longest blob of any wallet, in bytes.
    pub blob: u64,
    /// Longest blob of a registered operator: adapters, states of a training, indexes.
    pub operator_blob: u64,
    /// Longest report of a settlement.
    pub report: u64,
    /// Longest audit.
    pub audit: u64,
    /// Most bytes that a wallet may have stored that nobody has accepted yet, beside what its bonds are for. Each file counts
    /// as 4 KiB at least, here and below.
    pub unsettled: u64,
    /// The same of a wallet that has nothing at stake: enough for a description, a job's config, or a batch of documents.
    /// Wallets cost nothing.
    pub stranger: u64,
    /// What a bond of one OPEN is for, in bytes, until its batch is decided.
    pub bonded: u64,
    /// Bytes of the files that a wallet's accepted documents are from that do not count. Nobody judges those files.
    pub originals: u64,
    /// The same for a registered operator.
    pub operator_unsettled: u64,
    /// Most bytes of an operator's answers that the chain does not name, and of its audits and reports.
    pub statements: u64,
    /// Most such bytes of all strangers together. Wallets cost nothing, so that a limit for each is not enough. What several
    /// of them have stored counts once, and each of them as the note of who has stored it.
    pub strangers: u64,
    /// The same of all wallets together that have something at stake and are no operators'.
    pub known: u64,
    /// How often those sums are made.
    pub summed_every: Duration,
    /// Uploads of one wallet at a time.
    pub at_a_time: usize,
    /// Uploads of all wallets of a class at a time.
    pub uploads: usize,
    /// Unfinished uploads in parts of one wallet.
    pub unfinished: usize,
    /// Unfinished uploads in parts of all wallets of a class.
    pub all_unfinished: usize,
    /// Longest silence in an upload.
    pub silence: Duration,
    /// Bytes in a second that an upload must bring on average, once a grace time of twice `silence` is over.
    pub least_rate: u64,
    /// Every such time of an upload must bring bytes at that rate too: a quick beginning buys no slow end.
    pub window: Duration,
    /// How long a blob is kept that the chain does not name.
    pub kept: Duration,
    /// The same for a registered operator's, and its answers, audits and reports: a training may take long before its
    /// result is on the chain, and an epoch may take 30 days before its answers are settled.
    pub operator_kept: Duration,
    /// How long the parts of an unfinished upload are kept after the last one came.
    pub parts_kept: Duration,
    /// How long they are kept after the first one came, whatever came since.
    pub parts_oldest: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let hours = |n: u64| Duration::from_secs(n * 3600);
        Self {
            // A manifest may have so much.
            blob: MOST_BYTES,
            operator_blob: 8 << 30,
            report: 256 << 20,
            audit: 1 << 20,
            unsettled: 512 << 20,
            stranger: 16 << 20,
            bonded: 256 << 20,
            originals: 4 << 30,
            operator_unsettled: 256 << 30,
            statements: 4 << 30,
            strangers: 16 << 30,
            known: 64 << 30,
            summed_every: Duration::from_secs(5),
            at_a_time: 16,
            uploads: 256,
            unfinished: 64,
            all_unfinished: 4096,
            silence: Duration::from_secs(20),
            least_rate: 8 << 10,
            window: Duration::from_secs(20),
            kept: hours(24),
            operator_kept: hours(24 * 90),
            parts_kept: hours(24),
            parts_oldest: hours(72),
        }
    }
}

impl Limits {
    /// The longest artifact under `key`, of an operator or of anybody else.
    pub(super) fn longest(&self, key: &Key, operator: bool) -> u64 {
        match key {
            Key::Blob(_) if operator => self.operator_blob,
            Key::Blob(_) => self.blob,
            Key::Answer(_) => MOST_ANSWER,
            Key::Audit { .. } => self.audit,
            Key::Report { .. } => self.report,
        }
    }

    /// What a wallet may have here that nobody has accepted, with bonds of so many base units.
    pub(super) fn unsettled(&self, class: Class, bonds: u64) -> u64 {
        if class.is_operator() {
            return self.operator_unsettled;
        }
        if class == Class::Stranger {
            return self.unsettled.min(self.stranger);
        }
        let bonded = u128::from(bonds) * u128::from(self.bonded) / u128::from(amount::ONE);
        self.unsettled.saturating_add(bonded.try_into().unwrap_or(u64::MAX))
    }

    /// What all wallets of a class may have here together that nobody has accepted.
    pub(super) fn of_all(&self, class: Class) -> u64 {
        match class {
            Class::Operator => u64::MAX,
            Class::Known => self.known,
            Class::Stranger => self.strangers,
        }
    }

    /// How long what this class stores is kept if the chain does not name it.
    pub(super) fn kept(&self, class: Class) -> Duration {
        if class.is_operator() { self.operator_kept } else { self.kept }
    }

    /// The most time that `bytes` bytes may take.
    pub(super) fn time(&self, bytes: u64) -> Duration {
        self.silence * 2 + Duration::from_secs(bytes / self.least_rate.max(1))
    }

    /// The least bytes that each `window` must bring.
    pub(super) fn least(&self) -> u64 {
        (self.least_rate as u128 * self.window.as_millis() / 1000) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bond_is_for_bytes_and_no_sum_of_bonds_overflows() {
        let limits = Limits { unsettled: 1_000, bonded: 500, operator_unsettled: 7, ..Limits::default() };
        assert_eq!(limits.unsettled(Class::Stranger, 0), 1_000);
        assert_eq!(Limits { stranger: 10, ..limits.clone() }.unsettled(Class::Stranger, amount::ONE), 10);
        assert_eq!(limits.unsettled(Class::Known, 3 * amount::ONE / 2), 1_750);
        assert_eq!(limits.unsettled(Class::Operator, amount::ONE), 7);
        let most = Limits { bonded: u64::MAX, ..limits };
        assert_eq!(most.unsettled(Class::Known, u64::MAX), u64::MAX);
    }
}
