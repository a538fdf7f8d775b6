//! Reports the progress of a run, for people who watch it.

use openledger_protocol::Hash32;
use serde::Serialize;

/// The activity that a run does.
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

/// The phase that a run is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Key generation: collecting the public commitments of all members.
    Round1,
    /// Key generation: collecting the shares for this member.
    Round2,
    /// Key generation: waiting until all members hold their shares.
    Confirm,
    /// A signature: members check and commit to nonces. An observation: members compute, commit to their values, and
    /// seal who has committed.
    Commit,
    /// A signature: collecting shares.
    Share,
    /// An observation: collecting the values that members committed to.
    Reveal,
    /// An observation: sending the result to all members.
    Publish,
    /// Finished.
    Done,
}

/// One step of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Progress {
    /// The activity of the run.
    pub activity: Activity,
    /// Committee epoch.
    pub epoch: u64,
    /// Subject of the signature or observation. In key generation it is the committee's id.
    #[serde(with = "crate::encoding::hex_bytes")]
    pub subject: Hash32,
    /// Sequence of the subject. 0 in key generation.
    pub sequence: u64,
    /// The phase of the run.
    pub phase: Phase,
    /// Number of members that have done this phase.
    pub have: usize,
    /// Number of members that could do it.
    pub of: usize,
}
