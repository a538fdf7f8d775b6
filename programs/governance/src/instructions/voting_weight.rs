//! `voting_weight`: a read-out for wallets and programs.

use anchor_lang::prelude::*;
use stake::state::VoteLock;

/// Accounts of `voting_weight`.
#[derive(Accounts)]
pub struct VotingWeight<'info> {
    /// The lock.
    pub lock: Box<Account<'info, VoteLock>>,
}

/// The weight now.
pub(crate) fn handler(ctx: Context<VotingWeight>) -> Result<u64> {
    Ok(ctx.accounts.lock.weight_at(Clock::get()?.slot))
}
