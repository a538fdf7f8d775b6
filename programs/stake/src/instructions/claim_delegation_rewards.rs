//! `claim_delegation_rewards`: pays a delegator what its shares have earned.

use crate::{
    events::{EMITTER, RewardsClaimed},
    reward_vault::{accrued, pay},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use anchor_spl::token::{Token, TokenAccount};
use openledger_shared::{sequence, slot_unless_paused};

/// Accounts of `claim_delegation_rewards`.
#[event_cpi]
#[derive(Accounts)]
pub struct ClaimDelegationRewards<'info> {
    /// The delegator.
    pub owner: Signer<'info>,
    /// The config.
    #[account(seeds = [seeds::CONFIG], bump = config.bump)]
    pub config: Box<Account<'info, Config>>,
    /// The pool, which owns the reward vault.
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
    /// The pool's rewards.
    #[account(mut, seeds = [seeds::REWARDS, pool.operator.as_ref()], bump = pool.vault_bump)]
    pub reward_vault: Box<Account<'info, TokenAccount>>,
    /// Token account of the delegator that is paid.
    #[account(mut, token::mint = config.open_mint, token::authority = owner)]
    pub owner_token: Box<Account<'info, TokenAccount>>,
    /// The SPL Token program.
    pub token_program: Program<'info, Token>,
}

impl ClaimDelegationRewards<'_> {
    /// Checks that the program runs, and returns the slot.
    fn validate(&self) -> Result<u64> {
        slot_unless_paused(self.config.paused_until)
    }
}

/// Divides the rewards that have arrived, and pays the delegator everything that its shares have earned and it has not
/// claimed.
pub(crate) fn handler(ctx: Context<ClaimDelegationRewards>) -> Result<()> {
    let slot = ctx.accounts.validate()?;
    let a = &mut *ctx.accounts;
    let harvested = accrued(&mut a.pool, &a.reward_vault, slot)?;
    let paid = a.delegation.claim(&mut a.pool)?;
    pay(&a.pool, &a.reward_vault, &a.owner_token, &a.token_program, paid)?;
    let event =
        RewardsClaimed { delegation: a.delegation.key(), sequence: sequence::take(&mut a.delegation.sequence)?, paid };
    EMITTER.emit_all(&a.event_authority, harvested, &event)
}
