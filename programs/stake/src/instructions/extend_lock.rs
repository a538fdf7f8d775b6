//! `extend_lock`: moves the end of a lock to a later slot, never to an earlier one.

use crate::{
    error::StakeError,
    events::EMITTER,
    seeds,
    state::*,
    vote_lock::{grow, require_end},
};
use anchor_lang::prelude::*;

/// Accounts of `extend_lock`.
#[event_cpi]
#[derive(Accounts)]
pub struct ExtendLock<'info> {
    /// The owner of the lock.
    pub owner: Signer<'info>,
    /// The config.
    #[account(mut, seeds = [seeds::CONFIG], bump = config.bump)]
    pub config: Box<Account<'info, Config>>,
    /// The lock of the owner.
    #[account(mut, seeds = [seeds::LOCK, owner.key().as_ref()], bump = lock.bump, has_one = owner)]
    pub lock: Box<Account<'info, VoteLock>>,
}

impl ExtendLock<'_> {
    /// Checks the end, and returns the slot.
    fn validate(&self, end_slot: u64) -> Result<u64> {
        let slot = Clock::get()?.slot;
        require!(self.lock.amount > 0, StakeError::NothingLocked);
        require!(end_slot > self.lock.end_slot, StakeError::LockShortened);
        require_end(end_slot, slot)?;
        Ok(slot)
    }
}

/// Moves the end. This locks a lock again that has ended and was not unlocked.
pub(crate) fn handler(ctx: Context<ExtendLock>, end_slot: u64) -> Result<()> {
    let slot = ctx.accounts.validate(end_slot)?;
    let lock = &mut ctx.accounts.lock;
    lock.end_slot = end_slot;
    let event = grow(lock, &mut ctx.accounts.config.locked, 0, slot)?;
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
