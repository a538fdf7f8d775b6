//! Seeds of every PDA of this program.

/// `["config"]`
pub const CONFIG: &[u8] = b"config";
/// `["authority"]`: holds no data. It signs the instructions of proposals that passed, and the guardian's pauses.
pub const AUTHORITY: &[u8] = b"authority";
/// `["proposal", number as u64 le]`
pub const PROPOSAL: &[u8] = b"proposal";
/// `["instruction", proposal, index as u8]`
pub const INSTRUCTION: &[u8] = b"instruction";
/// `["vote", proposal, lock]`
pub const VOTE: &[u8] = b"vote";
