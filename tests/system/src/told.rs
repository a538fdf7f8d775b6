//! What a lying operator says of its own lies. `openledger-liar` serves it, so that the loop can check that the lies were
//! really told, and what would have come of them.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything that one liar has done so far. It serves this at [`PATH`].
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Told {
    /// The agreements that it took part in as an observer.
    pub agreements: Vec<Agreed>,
    /// What it proposed to the others, and what came of it.
    pub proposals: Vec<Proposed>,
    /// How many different payloads it was asked to sign. It agreed to all of them without looking.
    pub approved: usize,
}

/// A settlement that no honest member may sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lie {
    /// What is wrong with it.
    pub name: &'static str,
    /// Words of the check that refuses it, and of no other check.
    pub refused_by: &'static str,
}

/// A cut-off that is not due, before anything was observed.
pub const OTHER_CUTOFF: Lie = Lie { name: "another cut-off", refused_by: NOT_DUE };
/// An epoch that is not due.
pub const OTHER_EPOCH: Lie = Lie { name: "another epoch", refused_by: NOT_DUE };
/// A root that stands for no observations.
pub const NOBODYS: Lie = Lie { name: "observations that nobody made", refused_by: "no agreement with root" };
/// A cut-off that is not due, with what was observed about the true one.
pub const OTHER_CUTOFF_OBSERVED: Lie = Lie { name: "another cut-off with true observations", refused_by: NOT_DUE };
/// Roots and a report that pay one wallet, with what was observed.
pub const EVERYTHING: Lie = Lie { name: "everything to one wallet", refused_by: OTHER_ROOTS };
/// The roots that pay one wallet beside the true report.
pub const BESIDE_REPORT: Lie = Lie { name: "other roots beside the true report", refused_by: OTHER_ROOTS };
/// The report that pays one wallet beside the true roots.
pub const BESIDE_ROOTS: Lie =
    Lie { name: "another report beside the true roots", refused_by: "the report is not the one that follows" };

const NOT_DUE: &str = "is due";
const OTHER_ROOTS: &str = "the roots are not those that follow";

/// Everything that each liar proposes in each epoch.
pub const LIES: [Lie; 7] =
    [OTHER_CUTOFF, OTHER_EPOCH, NOBODYS, OTHER_CUTOFF_OBSERVED, EVERYTHING, BESIDE_REPORT, BESIDE_ROOTS];

/// Where a liar serves [`Told`].
pub const PATH: &str = "lies";

/// What the members revealed about one epoch.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Agreed {
    /// The epoch.
    pub epoch: u64,
    /// The payments in the order in which members speak of them: each request in hex.
    pub payments: Vec<String>,
    /// For each member, by wallet: how far it says each receipt is from what it worked out, in parts per million.
    /// `u64::MAX` stands for nothing.
    pub distances: BTreeMap<String, Vec<u64>>,
}

/// A payload that a liar asked the committee to sign.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Proposed {
    /// The lie, in words.
    pub lie: String,
    /// The epoch that was being settled.
    pub epoch: u64,
    /// Hash of the payload, in hex.
    pub payload: String,
    /// How many members were willing to sign it, the liars among them.
    pub willing: usize,
    /// Why each of the others refused, by wallet.
    pub refusals: BTreeMap<String, String>,
    /// Whether the committee signed it. A liar posts what is signed.
    pub signed: bool,
    /// What else went wrong, if it did not come to an end.
    pub failed: Option<String>,
}
