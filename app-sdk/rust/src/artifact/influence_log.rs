//! The published course of an exact attribution: every state that it went through, so that anyone can re-execute any
//! part of it.

use super::{LogEntry, Method};
use crate::text::{hash_hex, key_b58};
use openledger_protocol::Hash32;
use serde::{Deserialize, Serialize};
use solana_pubkey::Pubkey;

/// A walk back through a model's training for one epoch's answers. It grows while it is made; at step 0 it is complete,
/// and its last state holds the scores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InfluenceLog {
    /// Version of this format.
    pub version: u32,
    /// The epoch.
    pub epoch: u64,
    /// The model's account.
    #[serde(with = "key_b58")]
    pub model: Pubkey,
    /// Wallet of the operator that walks.
    #[serde(with = "key_b58")]
    pub operator: Pubkey,
    /// Attribution method and version.
    pub method: Method,
    /// SHA-256 of run, method and settings.
    #[serde(with = "hash_hex")]
    pub run: Hash32,
    /// SHA-256 of what is attributed: the epoch's answers with their weights.
    #[serde(with = "hash_hex")]
    pub functional: Hash32,
    /// States by falling step: from the training's end to the last one reached.
    pub states: Vec<LogEntry>,
}
