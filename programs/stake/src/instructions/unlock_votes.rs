//! `unlock_votes`: pays a lock that has ended back to its owner. Anyone may send it. A lock that has ended has no
//! weight, but it counts in the sum that quorums are measured by until it is unlocked.

use crate::{
    error::StakeError,
    events::{EMITTER, VotesUnlocked},
    seeds,
    state::*,
    vault,
};
use anchor_lang::prelude::*;
use anchor_spl::{
    associated_token::get_associated_token_address,
    token::{Token, TokenAccount},
};
use openledger_shared::{checked::sub, sequence, slot_unless_paused};

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
    /// Checks that the lock has ended, and returns the slot.
    fn validate(&self) -> Result<u64> {
        let slot = slot_unless_paused(self.config.paused_until)?;
        require!(self.lock.amount > 0, StakeError::NothingLocked);
        require!(slot >= self.lock.end_slot, StakeError::LockNotEnded);
        Ok(slot)
    }
}

/// Pays everything back.
pub(crate) fn handler(ctx: Context<UnlockVotes>) -> Result<()> {
    let slot = ctx.accounts.validate()?;
    let a = &mut *ctx.accounts;
    let paid = core::mem::take(&mut a.lock.amount);
    a.lock.changed_slot = slot;
    a.config.locked = sub(a.config.locked, paid)?;
    vault::pay(&a.token_program, &a.vault, &a.owner_token, &a.config, paid)?;
    let event = VotesUnlocked { lock: a.lock.key(), sequence: sequence::take(&mut a.lock.sequence)?, paid };
    EMITTER.emit(&a.event_authority, &event)
}
