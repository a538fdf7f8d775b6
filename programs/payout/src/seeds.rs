//! Seeds of every PDA of this program.

/// `["config"]`
pub const CONFIG: &[u8] = b"config";
/// `["shard", index as u8]`
pub const SHARD: &[u8] = b"shard";
/// `["vault", index as u8]`: token account of a shard, owned by the shard.
pub const VAULT: &[u8] = b"vault";
/// `["settlement", epoch as u64 le]`
pub const SETTLEMENT: &[u8] = b"settlement";
/// `["claim", wallet]`
pub const CLAIM: &[u8] = b"claim";
