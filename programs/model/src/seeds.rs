//! Seeds of every PDA of this program.

/// `["config"]`
pub const CONFIG: &[u8] = b"config";
/// `["model", creator, id as u64 le]`
pub const MODEL: &[u8] = b"model";
/// `["job", model, number as u64 le]`
pub const JOB: &[u8] = b"job";
/// `["escrow", job]`: token account that holds the job's budget, owned by the job.
pub const ESCROW: &[u8] = b"escrow";
