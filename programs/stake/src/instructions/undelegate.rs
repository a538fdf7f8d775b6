//! `undelegate`: begins to unbond a part of a delegation.

use crate::{
    error::StakeError,
    events::{EMITTER, Undelegated},
    reward_vault::accrued,
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use anchor_spl::token::TokenAccount;
use openledger_shared::{
    SharedError,
    checked::{add, sub},
    sequence,
};

/// Accounts of `undelegate`.
#[event_cpi]
#[derive(Accounts)]
pub struct Undelegate<'info> {
    /// The delegator.
    pub owner: Signer<'info>,
    /// The config.
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
    /// The pool's reward vault. The rewards that have arrived are divided before the shares change.
    #[account(seeds = [seeds::REWARDS, pool.operator.as_ref()], bump = pool.vault_bump)]
    pub reward_vault: Box<Account<'info, TokenAccount>>,
}

impl Undelegate<'_> {
    fn validate(&self, shares: u128) -> Result<()> {
        require!(shares > 0, StakeError::ZeroAmount);
        require!(shares <= self.delegation.shares, StakeError::InsufficientStake);
        Ok(())
    }
}

/// Moves the OPEN that `shares` of the bonded stake are worth to the unbonding stake. This restarts the cooldown of
/// everything in the delegation that is unbonding. Delegators may leave even while their operator is in a committee.
pub(crate) fn handler(ctx: Context<Undelegate>, shares: u128) -> Result<()> {
    ctx.accounts.validate(shares)?;
    let (a, slot) = (&mut *ctx.accounts, Clock::get()?.slot);
    let harvested = accrued(&mut a.pool, &a.reward_vault, slot)?;
    let (config, pool, delegation) = (&mut a.config, &mut a.pool, &mut a.delegation);
    delegation.settle(pool)?;
    let amount = pool.bonded.pull(shares)?;
    let leaving = pool.unbonding.put(amount)?;
    delegation.shares = delegation.shares.checked_sub(shares).ok_or(StakeError::InsufficientStake)?;
    delegation.unbonding_shares = delegation.unbonding_shares.checked_add(leaving).ok_or(SharedError::Overflow)?;
    delegation.unbond_slot = add(slot, config.unbond_slots)?;
    config.delegated = sub(config.delegated, amount)?;
    config.delegated_unbonding = add(config.delegated_unbonding, amount)?;
    let event = Undelegated {
        delegation: delegation.key(),
        sequence: sequence::take(&mut delegation.sequence)?,
        amount,
        shares: delegation.shares,
        unbonding_shares: delegation.unbonding_shares,
        unbond_slot: delegation.unbond_slot,
    };
    EMITTER.emit_all(&a.event_authority, harvested, &event)
}
