//! `add_to_lock`: adds OPEN to a lock that has not ended.

use crate::{error::StakeError, events::EMITTER, seeds, state::*, vault, vote_lock::grow};
use anchor_lang::prelude::*;
use anchor_spl::token::{Token, TokenAccount};
use openledger_shared::slot_unless_paused;

/// Accounts of `add_to_lock`.
#[event_cpi]
#[derive(Accounts)]
pub struct AddToLock<'info> {
    /// The owner of the lock. Nobody else may add to it, because a change removes the lock's weight from the votes in
    /// progress.
    pub owner: Signer<'info>,
    /// The config.
    #[account(mut, seeds = [seeds::CONFIG], bump = config.bump)]
    pub config: Box<Account<'info, Config>>,
    /// The lock of the owner.
    #[account(mut, seeds = [seeds::LOCK, owner.key().as_ref()], bump = lock.bump, has_one = owner)]
    pub lock: Box<Account<'info, VoteLock>>,
    /// Token account of the owner that the OPEN comes from.
    #[account(mut, token::mint = config.open_mint, token::authority = owner)]
    pub owner_token: Box<Account<'info, TokenAccount>>,
    /// The stake vault.
    #[account(mut, seeds = [seeds::VAULT], bump = config.vault_bump)]
    pub vault: Box<Account<'info, TokenAccount>>,
    /// The SPL Token program.
    pub token_program: Program<'info, Token>,
}

impl AddToLock<'_> {
    /// Checks the lock, and returns the slot.
    fn validate(&self, amount: u64) -> Result<u64> {
        let slot = slot_unless_paused(self.config.paused_until)?;
        require!(amount > 0, StakeError::ZeroAmount);
        require!(self.lock.amount > 0, StakeError::NothingLocked);
        require!(slot < self.lock.end_slot, StakeError::LockEnded);
        Ok(slot)
    }
}

/// Takes the OPEN and counts it. The end of the lock stays.
pub(crate) fn handler(ctx: Context<AddToLock>, amount: u64) -> Result<()> {
    let slot = ctx.accounts.validate(amount)?;
    let a = &mut *ctx.accounts;
    vault::put(&a.token_program, &a.owner_token, &a.vault, &a.owner, amount)?;
    let event = grow(&mut a.lock, &mut a.config.locked, amount, slot)?;
    EMITTER.emit(&a.event_authority, &event)
}
