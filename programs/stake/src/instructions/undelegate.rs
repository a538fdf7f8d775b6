//! `undelegate`: begins the way out of a delegation.

use super::harvest::accrued;
use crate::{
    error::{SharedError, StakeError},
    event,
    events::Undelegated,
    seeds, sequence,
    state::*,
};
use anchor_lang::prelude::*;
use anchor_spl::token::TokenAccount;

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
    /// The pool's rewards: what has arrived is divided before the shares change.
    #[account(seeds = [seeds::REWARDS, pool.operator.as_ref()], bump = pool.vault_bump)]
    pub reward_vault: Box<Account<'info, TokenAccount>>,
}

/// Moves what `shares` of the bonded stake are worth to what is unbonding. The cooldown of all of the delegation that is
/// unbonding starts anew. An operator cannot hold its delegators back, whether it is in a committee or not.
pub(crate) fn handler(ctx: Context<Undelegate>, shares: u128) -> Result<()> {
    let a = &mut *ctx.accounts;
    require!(shares > 0, StakeError::ZeroAmount);
    require!(shares <= a.delegation.shares, StakeError::InsufficientStake);
    let slot = Clock::get()?.slot;
    let harvested = accrued(&mut a.pool, &a.reward_vault)?;
    let (config, pool, delegation) = (&mut a.config, &mut a.pool, &mut a.delegation);
    delegation.settle(pool)?;
    let amount = pool.bonded.pull(shares)?;
    let leaving = pool.unbonding.put(amount)?;
    delegation.shares = delegation.shares.checked_sub(shares).ok_or(StakeError::InsufficientStake)?;
    delegation.unbonding_shares = delegation.unbonding_shares.checked_add(leaving).ok_or(SharedError::Overflow)?;
    delegation.unbond_slot = slot.checked_add(config.unbond_slots).ok_or(SharedError::Overflow)?;
    config.delegated = config.delegated.checked_sub(amount).ok_or(SharedError::Overflow)?;
    config.delegated_unbonding = config.delegated_unbonding.checked_add(amount).ok_or(SharedError::Overflow)?;
    let event = Undelegated {
        delegation: delegation.key(),
        sequence: sequence::take(&mut delegation.sequence)?,
        amount,
        shares: delegation.shares,
        unbonding_shares: delegation.unbonding_shares,
        unbond_slot: delegation.unbond_slot,
    };
    event::emit_all(crate::ID, &a.event_authority, crate::EVENT_AUTHORITY_AND_BUMP.1, harvested, &event)
}
