//! `delegate`: stakes OPEN with an operator. The delegator shares the operator's rewards and slashes.

use crate::{
    error::StakeError,
    events::{Delegated, EMITTER},
    reward_vault::accrued,
    seeds,
    state::*,
    vault,
};
use anchor_lang::prelude::*;
use anchor_spl::token::{Token, TokenAccount};
use openledger_shared::{SharedError, checked::add, sequence, slot_unless_paused};

/// Accounts of `delegate`.
#[event_cpi]
#[derive(Accounts)]
pub struct Delegate<'info> {
    /// The delegator. It pays the rent of a first delegation.
    #[account(mut)]
    pub owner: Signer<'info>,
    /// The config.
    #[account(mut, seeds = [seeds::CONFIG], bump = config.bump)]
    pub config: Box<Account<'info, Config>>,
    /// The operator's pool.
    #[account(mut, seeds = [seeds::POOL, pool.operator.as_ref()], bump = pool.bump)]
    pub pool: Box<Account<'info, Pool>>,
    /// The operator's position. It must reach the minimum, so that nobody delegates to an operator without a stake of
    /// its own.
    #[account(
        seeds = [seeds::POSITION, pool.operator.as_ref(), &[Role::Operator as u8]],
        bump = position.bump,
        constraint = position.amount >= config.min_operator_stake @ StakeError::BelowMinimum
    )]
    pub position: Box<Account<'info, Position>>,
    /// The delegation. The first call makes it.
    #[account(
        init_if_needed,
        payer = owner,
        space = 8 + Delegation::INIT_SPACE,
        seeds = [seeds::DELEGATION, pool.operator.as_ref(), owner.key().as_ref()],
        bump
    )]
    pub delegation: Box<Account<'info, Delegation>>,
    /// Token account of the delegator that the stake comes from.
    #[account(mut, token::mint = config.open_mint, token::authority = owner)]
    pub owner_token: Box<Account<'info, TokenAccount>>,
    /// The stake vault.
    #[account(mut, seeds = [seeds::VAULT], bump = config.vault_bump)]
    pub vault: Box<Account<'info, TokenAccount>>,
    /// The pool's reward vault. The rewards that have arrived belong to the earlier delegators.
    #[account(seeds = [seeds::REWARDS, pool.operator.as_ref()], bump = pool.vault_bump)]
    pub reward_vault: Box<Account<'info, TokenAccount>>,
    /// The SPL Token program.
    pub token_program: Program<'info, Token>,
    /// The system program.
    pub system_program: Program<'info, System>,
}

impl Delegate<'_> {
    /// Checks amount and pool, and returns the slot.
    fn validate(&self, amount: u64) -> Result<u64> {
        let slot = slot_unless_paused(self.config.paused_until)?;
        require!(amount > 0, StakeError::ZeroAmount);
        self.pool.bonded.require_sound()?;
        self.pool.unbonding.require_sound()?;
        Ok(slot)
    }
}

/// Transfers the stake and issues shares for it.
pub(crate) fn handler(ctx: Context<Delegate>, amount: u64) -> Result<()> {
    let slot = ctx.accounts.validate(amount)?;
    let a = &mut *ctx.accounts;
    vault::put(&a.token_program, &a.owner_token, &a.vault, &a.owner, amount)?;
    let harvested = accrued(&mut a.pool, &a.reward_vault, slot)?;
    let (pool, delegation) = (&mut a.pool, &mut a.delegation);
    if delegation.version == Version::UNMADE {
        delegation.version = Version::CURRENT;
        delegation.bump = ctx.bumps.delegation;
        delegation.pool = pool.key();
        delegation.owner = a.owner.key();
    }
    delegation.settle(pool)?;
    let minted = pool.bonded.put(amount)?;
    delegation.shares = delegation.shares.checked_add(minted).ok_or(SharedError::Overflow)?;
    a.config.delegated = add(a.config.delegated, amount)?;
    let event = Delegated {
        delegation: delegation.key(),
        sequence: sequence::take(&mut delegation.sequence)?,
        operator: pool.operator,
        owner: delegation.owner,
        added: amount,
        shares: delegation.shares,
    };
    EMITTER.emit_all(&a.event_authority, harvested, &event)
}
