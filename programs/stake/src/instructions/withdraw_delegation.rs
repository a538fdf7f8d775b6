//! `withdraw_delegation`: pays undelegated OPEN out after the cooldown.

use crate::{
    error::{SharedError, StakeError},
    events::DelegationWithdrawn,
    seeds, sequence,
    state::*,
};
use anchor_lang::prelude::*;
use anchor_spl::token::{self, Token, TokenAccount, Transfer};
use openledger_shared::require_running;

/// Accounts of `withdraw_delegation`.
#[event_cpi]
#[derive(Accounts)]
pub struct WithdrawDelegation<'info> {
    /// The delegator.
    pub owner: Signer<'info>,
    /// The config, which owns the vault.
    #[account(mut, seeds = [seeds::CONFIG], bump = config.bump)]
    pub config: Box<Account<'info, Config>>,
    /// The pool.
    #[account(mut, seeds = [seeds::POOL, pool.operator.as_ref()], bump = pool.bump)]
    pub pool: Box<Account<'info, Pool>>,
    /// The delegation.
    #[account(
        mut,
        seeds = [seeds::DELEGATION, pool.operator.as_ref(), owner.key().as_ref()],
        bump = delegation.bump,
        has_one = owner
    )]
    pub delegation: Box<Account<'info, Delegation>>,
    /// Token account of the delegator that is paid.
    #[account(mut, token::mint = config.open_mint, token::authority = owner)]
    pub owner_token: Box<Account<'info, TokenAccount>>,
    /// The stake vault.
    #[account(mut, seeds = [seeds::VAULT], bump = config.vault_bump)]
    pub vault: Box<Account<'info, TokenAccount>>,
    /// The SPL Token program.
    pub token_program: Program<'info, Token>,
}

/// Pays what all unbonding shares are worth: less than was undelegated if the operator was slashed meanwhile.
pub(crate) fn handler(ctx: Context<WithdrawDelegation>) -> Result<()> {
    require_running(ctx.accounts.config.paused_until, Clock::get()?.slot)?;
    let a = &mut *ctx.accounts;
    require!(a.delegation.unbonding_shares > 0, StakeError::NothingUnbonding);
    require!(Clock::get()?.slot >= a.delegation.unbond_slot, StakeError::CooldownNotOver);
    let paid = a.pool.unbonding.pull(core::mem::take(&mut a.delegation.unbonding_shares))?;
    a.config.delegated_unbonding = a.config.delegated_unbonding.checked_sub(paid).ok_or(SharedError::Overflow)?;
    token::transfer(
        CpiContext::new_with_signer(
            a.token_program.key(),
            Transfer {
                from: a.vault.to_account_info(),
                to: a.owner_token.to_account_info(),
                authority: a.config.to_account_info(),
            },
            &[&[seeds::CONFIG, &[a.config.bump]]],
        ),
        paid,
    )?;
    let event = DelegationWithdrawn {
        delegation: a.delegation.key(),
        sequence: sequence::take(&mut a.delegation.sequence)?,
        paid,
    };
    emit_cpi!(event);
    Ok(())
}
