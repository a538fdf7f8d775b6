//! `harvest`: divides the rewards that have arrived and pays the operator its commission. Anyone may call it.

use crate::{error::StakeError, event, events::Harvested, seeds, sequence, state::*};
use anchor_lang::prelude::*;
use anchor_spl::token::{self, Token, TokenAccount, Transfer};
use openledger_shared::require_running;

/// Accounts of `harvest`.
#[event_cpi]
#[derive(Accounts)]
pub struct Harvest<'info> {
    /// The config.
    #[account(seeds = [seeds::CONFIG], bump = config.bump)]
    pub config: Box<Account<'info, Config>>,
    /// The pool, which owns the reward vault.
    #[account(mut, seeds = [seeds::POOL, pool.operator.as_ref()], bump = pool.bump)]
    pub pool: Box<Account<'info, Pool>>,
    /// The pool's rewards.
    #[account(mut, seeds = [seeds::REWARDS, pool.operator.as_ref()], bump = pool.vault_bump)]
    pub reward_vault: Box<Account<'info, TokenAccount>>,
    /// Token account of the operator's wallet, for the commission.
    #[account(mut, token::mint = config.open_mint, token::authority = pool.operator)]
    pub operator_token: Box<Account<'info, TokenAccount>>,
    /// The SPL Token program.
    pub token_program: Program<'info, Token>,
}

/// Divides what is in the vault, before the bonded shares change; the event if anything had arrived.
pub(crate) fn accrued(pool: &mut Account<Pool>, vault: &TokenAccount) -> Result<Option<Harvested>> {
    let arrived = pool.accrue(vault.amount, Clock::get()?.slot)?;
    if arrived == 0 {
        return Ok(None);
    }
    harvested(pool, arrived, 0).map(Some)
}

fn harvested(pool: &mut Account<Pool>, arrived: u64, paid: u64) -> Result<Harvested> {
    Ok(Harvested { pool: pool.key(), sequence: sequence::take(&mut pool.sequence)?, arrived, owed: pool.owed, paid })
}

/// Pays out of the reward vault.
pub(crate) fn pay<'info>(
    pool: &Account<'info, Pool>,
    from: &Account<'info, TokenAccount>,
    to: &Account<'info, TokenAccount>,
    token_program: &Program<'info, Token>,
    amount: u64,
) -> Result<()> {
    let accounts =
        Transfer { from: from.to_account_info(), to: to.to_account_info(), authority: pool.to_account_info() };
    let signer: &[&[u8]] = &[seeds::POOL, pool.operator.as_ref(), &[pool.bump]];
    token::transfer(CpiContext::new_with_signer(token_program.key(), accounts, &[signer]), amount)
}

/// Divides and pays.
pub(crate) fn handler(ctx: Context<Harvest>) -> Result<()> {
    require_running(ctx.accounts.config.paused_until, Clock::get()?.slot)?;
    let a = &mut *ctx.accounts;
    let arrived = a.pool.accrue(a.reward_vault.amount, Clock::get()?.slot)?;
    let paid = core::mem::take(&mut a.pool.commission);
    require!(arrived > 0 || paid > 0, StakeError::NothingToHarvest);
    pay(&a.pool, &a.reward_vault, &a.operator_token, &a.token_program, paid)?;
    let event = harvested(&mut a.pool, arrived, paid)?;
    event::emit(crate::ID, &a.event_authority, crate::EVENT_AUTHORITY_AND_BUMP.1, &event)
}
