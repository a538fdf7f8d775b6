//! `voting_weight`: returns a lock's weight to wallets and programs.

use anchor_lang::prelude::*;
use stake::state::VoteLock;

/// Accounts of `voting_weight`.
#[derive(Accounts)]
pub struct VotingWeight<'info> {
    /// The lock.
    pub lock: Box<Account<'info, VoteLock>>,
}

/// Returns the lock's weight in the present slot.
pub(crate) fn handler(ctx: Context<VotingWeight>) -> Result<u64> {
    Ok(ctx.accounts.lock.weight_at(Clock::get()?.slot))
}
