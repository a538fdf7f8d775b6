//! Reports of what a run is doing, for people who watch it.

use openledger_protocol::Hash32;
use serde::Serialize;

/// What is being run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// Key generation.
    KeyGeneration,
    /// A signature.
    Signature,
    /// An observation round.
    Observation,
}

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Key generation: collecting everybody's public commitments.
    Round1,
    /// Key generation: collecting the shares for this member.
    Round2,
    /// A signature: members check and commit to nonces. An observation: members score and commit to their scores.
    Commit,
    /// A signature: collecting shares.
    Share,
    /// An observation: collecting the scores committed to.
    Reveal,
    /// An observation: handing the fixed set to everybody.
    Publish,
    /// Finished.
    Done,
}

/// One step of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Progress {
    /// What is being run.
    pub activity: Activity,
    /// Committee epoch.
    pub epoch: u64,
    /// Subject of the signature or observation; the committee's id in key generation.
    #[serde(with = "crate::encoding::hex_bytes")]
    pub subject: Hash32,
    /// Sequence of the subject; 0 in key generation.
    pub sequence: u64,
    /// Where the run is.
    pub phase: Phase,
    /// Members that have done this phase.
    pub have: usize,
    /// Members that could do it.
    pub of: usize,
}
