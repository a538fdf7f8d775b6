//! The published log of an exact attribution. It names every state of the walk, so that anyone can re-execute any part
//! of it.

use super::{LogEntry, Method};
use crate::text::{hash_hex, key_b58};
use openledger_protocol::Hash32;
use serde::{Deserialize, Serialize};
use solana_pubkey::Pubkey;

/// The log of a walk back through a model's training for one epoch's answers. It grows during the walk. At step 0 it is
/// complete, and its last state holds the scores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InfluenceLog {
    /// Version of this format.
    pub version: u32,
    /// The epoch.
    pub epoch: u64,
    /// The model's account.
    #[serde(with = "key_b58")]
    pub model: Pubkey,
    /// Wallet of the operator that makes the walk.
    #[serde(with = "key_b58")]
    pub operator: Pubkey,
    /// Attribution method and version.
    pub method: Method,
    /// SHA-256 of the training run, the method and the settings.
    #[serde(with = "hash_hex")]
    pub run: Hash32,
    /// SHA-256 of the functional: the epoch's answers with their weights.
    #[serde(with = "hash_hex")]
    pub functional: Hash32,
    /// States in descending order of their steps, from the training's end to the last step reached.
    pub states: Vec<LogEntry>,
}
