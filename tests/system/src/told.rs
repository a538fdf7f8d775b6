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
