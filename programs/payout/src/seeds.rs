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
/// `["challenge", settlement.sequence as u64 le, number as u8]`
pub const CHALLENGE: &[u8] = b"challenge";
/// `["bond", challenge]`: token account of a challenge's bond, owned by the challenge.
pub const BOND: &[u8] = b"bond";
/// `["balance", wallet]`
pub const BALANCE: &[u8] = b"balance";
/// `["prepaid", wallet]`: token account of a balance, owned by the balance.
pub const PREPAID: &[u8] = b"prepaid";
