//! `unlock_votes`: pays a lock that has ended back to its owner. Anyone may send it, so that OPEN without weight does
//! not stay in the sum that quorums are measured by.

use crate::{
    error::{SharedError, StakeError},
    events::VotesUnlocked,
    seeds, sequence,
    state::*,
};
use anchor_lang::prelude::*;
use anchor_spl::{
    associated_token::get_associated_token_address,
    token::{self, Token, TokenAccount, Transfer},
};
use openledger_shared::require_running;

/// Accounts of `unlock_votes`.
#[event_cpi]
#[derive(Accounts)]
pub struct UnlockVotes<'info> {
    /// The config, which owns the vault.
    #[account(mut, seeds = [seeds::CONFIG], bump = config.bump)]
    pub config: Box<Account<'info, Config>>,
    /// The lock.
    #[account(mut, seeds = [seeds::LOCK, lock.owner.as_ref()], bump = lock.bump)]
    pub lock: Box<Account<'info, VoteLock>>,
    /// The owner's associated token account for OPEN.
    #[account(
        mut,
        token::mint = config.open_mint,
        token::authority = lock.owner,
        constraint = owner_token.key() == get_associated_token_address(&lock.owner, &config.open_mint)
            @ StakeError::WrongOwnerToken
    )]
    pub owner_token: Box<Account<'info, TokenAccount>>,
    /// The stake vault.
    #[account(mut, seeds = [seeds::VAULT], bump = config.vault_bump)]
    pub vault: Box<Account<'info, TokenAccount>>,
    /// The SPL Token program.
    pub token_program: Program<'info, Token>,
}

impl UnlockVotes<'_> {
    fn validate(&self, slot: u64) -> Result<()> {
        require_running(self.config.paused_until, slot)?;
        require!(self.lock.amount > 0, StakeError::NothingLocked);
        require!(slot >= self.lock.end_slot, StakeError::LockNotEnded);
        Ok(())
    }
}

/// Pays everything back.
pub(crate) fn handler(ctx: Context<UnlockVotes>) -> Result<()> {
    let slot = Clock::get()?.slot;
    ctx.accounts.validate(slot)?;
    let (config, lock) = (&mut ctx.accounts.config, &mut ctx.accounts.lock);
    let paid = core::mem::take(&mut lock.amount);
    lock.changed_slot = slot;
    config.locked = config.locked.checked_sub(paid).ok_or(SharedError::Overflow)?;
    token::transfer(
        CpiContext::new_with_signer(
            ctx.accounts.token_program.key(),
            Transfer {
                from: ctx.accounts.vault.to_account_info(),
                to: ctx.accounts.owner_token.to_account_info(),
                authority: config.to_account_info(),
            },
            &[&[seeds::CONFIG, &[config.bump]]],
        ),
        paid,
    )?;
    let event = VotesUnlocked { lock: lock.key(), sequence: sequence::take(&mut lock.sequence)?, paid };
    emit_cpi!(event);
    Ok(())
}
