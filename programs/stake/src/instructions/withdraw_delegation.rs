//! `withdraw_delegation`: pays undelegated OPEN out after the cooldown.

use crate::{
    error::StakeError,
    events::{DelegationWithdrawn, EMITTER},
    seeds,
    state::*,
    vault,
};
use anchor_lang::prelude::*;
use anchor_spl::token::{Token, TokenAccount};
use openledger_shared::{checked::sub, sequence, slot_unless_paused};

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

impl WithdrawDelegation<'_> {
    fn validate(&self) -> Result<()> {
        let slot = slot_unless_paused(self.config.paused_until)?;
        require!(self.delegation.unbonding_shares > 0, StakeError::NothingUnbonding);
        require!(slot >= self.delegation.unbond_slot, StakeError::CooldownNotOver);
        Ok(())
    }
}

/// Pays what all unbonding shares are worth. That is less than was undelegated if the operator was slashed meanwhile.
pub(crate) fn handler(ctx: Context<WithdrawDelegation>) -> Result<()> {
    ctx.accounts.validate()?;
    let a = &mut *ctx.accounts;
    let paid = a.pool.unbonding.pull(core::mem::take(&mut a.delegation.unbonding_shares))?;
    a.config.delegated_unbonding = sub(a.config.delegated_unbonding, paid)?;
    vault::pay(&a.token_program, &a.vault, &a.owner_token, &a.config, paid)?;
    let event = DelegationWithdrawn {
        delegation: a.delegation.key(),
        sequence: sequence::take(&mut a.delegation.sequence)?,
        paid,
    };
    EMITTER.emit(&a.event_authority, &event)
}
