//! `lock_votes`: locks OPEN for weight in governance.

use crate::{
    error::StakeError,
    events::EMITTER,
    seeds,
    state::*,
    vault,
    vote_lock::{grow, require_end},
};
use anchor_lang::prelude::*;
use anchor_spl::token::{Token, TokenAccount};
use openledger_shared::slot_unless_paused;

/// Accounts of `lock_votes`.
#[event_cpi]
#[derive(Accounts)]
pub struct LockVotes<'info> {
    /// The owner of the OPEN. It pays the rent at its first lock.
    #[account(mut)]
    pub owner: Signer<'info>,
    /// The config.
    #[account(mut, seeds = [seeds::CONFIG], bump = config.bump)]
    pub config: Box<Account<'info, Config>>,
    /// The lock of the owner. The first call makes it.
    #[account(
        init_if_needed,
        payer = owner,
        space = 8 + VoteLock::INIT_SPACE,
        seeds = [seeds::LOCK, owner.key().as_ref()],
        bump
    )]
    pub lock: Box<Account<'info, VoteLock>>,
    /// Token account of the owner that the OPEN comes from.
    #[account(mut, token::mint = config.open_mint, token::authority = owner)]
    pub owner_token: Box<Account<'info, TokenAccount>>,
    /// The stake vault.
    #[account(mut, seeds = [seeds::VAULT], bump = config.vault_bump)]
    pub vault: Box<Account<'info, TokenAccount>>,
    /// The SPL Token program.
    pub token_program: Program<'info, Token>,
    /// The system program.
    pub system_program: Program<'info, System>,
}

impl LockVotes<'_> {
    /// Checks amount and end, and returns the slot.
    fn validate(&self, amount: u64, end_slot: u64) -> Result<u64> {
        let slot = slot_unless_paused(self.config.paused_until)?;
        require!(amount > 0, StakeError::ZeroAmount);
        require!(self.lock.amount == 0, StakeError::LockExists);
        require_end(end_slot, slot)?;
        Ok(slot)
    }
}

/// Takes the OPEN and counts it. The owner votes with its first lock. A delegate that it named for an earlier lock
/// stays the delegate.
pub(crate) fn handler(ctx: Context<LockVotes>, amount: u64, end_slot: u64) -> Result<()> {
    let slot = ctx.accounts.validate(amount, end_slot)?;
    let a = &mut *ctx.accounts;
    vault::put(&a.token_program, &a.owner_token, &a.vault, &a.owner, amount)?;
    let (owner, lock) = (a.owner.key(), &mut a.lock);
    if lock.version == Version::UNMADE {
        lock.version = Version::CURRENT;
        lock.bump = ctx.bumps.lock;
        lock.owner = owner;
        lock.delegate = owner;
    }
    lock.end_slot = end_slot;
    let event = grow(lock, &mut a.config.locked, amount, slot)?;
    EMITTER.emit(&a.event_authority, &event)
}
