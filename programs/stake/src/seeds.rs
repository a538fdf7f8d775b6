//! Seeds of every PDA of this program.

/// `["config"]`
pub const CONFIG: &[u8] = b"config";
/// `["vault"]`: token account of all staked OPEN, owned by the config.
pub const VAULT: &[u8] = b"vault";
/// `["insurance"]`: token account of slashed OPEN and forfeited bonds, owned by the config.
pub const INSURANCE: &[u8] = b"insurance";
/// `["position", owner, role]`
pub const POSITION: &[u8] = b"position";
/// `["operator", owner]`
pub const OPERATOR: &[u8] = b"operator";
/// `["lock", owner]`: one lock of votes a wallet.
pub const LOCK: &[u8] = b"lock";
/// `["committee", epoch as u64 le]`
pub const COMMITTEE: &[u8] = b"committee";
/// `["equivocation", operator's wallet, epoch as u64 le, subject, sequence as u64 le]`
pub const EQUIVOCATION: &[u8] = b"equivocation";
/// `["pool", operator's wallet]`
pub const POOL: &[u8] = b"pool";
/// `["rewards", operator's wallet]`: token account of a pool's rewards, owned by the pool.
pub const REWARDS: &[u8] = b"rewards";
/// `["delegation", operator's wallet, delegator's wallet]`
pub const DELEGATION: &[u8] = b"delegation";
