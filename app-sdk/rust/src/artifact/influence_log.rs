//! The published course of an exact attribution: every state that it went through, so that anyone can re-execute any
//! part of it.

use super::LogEntry;
use serde::{Deserialize, Serialize};

/// A walk back through a model's training for one epoch's answers. It grows while it is made; at step 0 it is complete,
/// and its last state holds the scores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InfluenceLog {
    /// Version of this format.
    pub version: u32,
    /// The epoch.
    pub epoch: u64,
    /// The model's account.
    pub model: String,
    /// Wallet of the operator that walks.
    pub operator: String,
    /// Attribution method and version.
    pub method: String,
    /// SHA-256 of run, method and settings.
    pub run: String,
    /// SHA-256 of what is attributed: the epoch's answers with their weights.
    pub functional: String,
    /// States by falling step: from the training's end to the last one reached.
    pub states: Vec<LogEntry>,
}
