//! SHA-256 with domain separation. It is the syscall on chain and the `sha2` crate elsewhere.

/// A 32-byte SHA-256 digest, or any other 32-byte name (a wallet, a PDA).
pub type Hash32 = [u8; 32];

/// All zeros. It marks an absent target, parent or root.
pub const ZERO: Hash32 = [0; 32];

/// The first byte of every preimage, so that leaves, nodes and kinds of leaves can never be confused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Domain {
    /// A contribution (document, label, correction, removal).
    Contribution = 0x00,
    /// An inner node of a mountain.
    Node = 0x01,
    /// An accepted batch, as a leaf of its Datanet's range.
    Batch = 0x02,
    /// The root of a mountain range. It binds the number of leaves.
    RangeRoot = 0x03,
    /// A wallet's lifetime reward.
    Reward = 0x04,
    /// An inner node of a reward tree.
    RewardNode = 0x05,
    /// The root of a reward tree. It binds the number of leaves.
    RewardRoot = 0x06,
    /// A salted commitment to a validator's verdict.
    Verdict = 0x07,
    /// A validator's ticket in the draw for a panel.
    Ticket = 0x08,
    /// A salted commitment to an operator's observation.
    Observation = 0x09,
    /// A leaf of a list of artifacts (training checkpoints, observations).
    Artifact = 0x0a,
}

/// SHA-256 over the concatenation of `parts`.
#[inline]
pub fn sha256(parts: &[&[u8]]) -> Hash32 {
    solana_sha256_hasher::hashv(parts).to_bytes()
}

/// SHA-256 over `domain ‖ parts`.
#[inline]
pub fn tagged2(domain: Domain, a: &[u8], b: &[u8]) -> Hash32 {
    sha256(&[&[domain as u8], a, b])
}
