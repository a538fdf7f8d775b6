//! Carries a slash out for every instruction that slashes: changes the position, the pool and the totals, and moves the
//! tokens.

use crate::{
    error::StakeError,
    events::{EMITTER, PoolSlashed, Slashed},
    slash::{self, Rate},
    state::*,
    vault,
};
use anchor_lang::prelude::*;
use anchor_spl::token::{Token, TokenAccount};
use openledger_shared::{
    checked::{add, sub},
    sequence,
};

/// The accounts that every slash changes or uses.
pub(crate) struct Parties<'a, 'info> {
    /// The config, which owns the vaults.
    pub config: &'a mut Account<'info, Config>,
    /// The position to slash.
    pub position: &'a mut Account<'info, Position>,
    /// The pool of the position's owner. It must be given if and only if the owner has opened one, so that the sender
    /// of a slash cannot leave it out.
    pub pool: Option<&'a mut Box<Account<'info, Pool>>>,
    /// Whether the pool is slashed too.
    pub delegators_answer: bool,
    /// The stake vault.
    pub vault: &'a Account<'info, TokenAccount>,
    /// The insurance vault.
    pub insurance: &'a Account<'info, TokenAccount>,
    /// The SPL Token program.
    pub token_program: &'a Program<'info, Token>,
    /// Signs the events.
    pub event_authority: &'a AccountInfo<'info>,
}

impl Parties<'_, '_> {
    /// Slashes the position at `rate`, and the pool at the same rate if delegators answer.
    pub(crate) fn slash(self, rate: &Rate, reason: SlashReason, evidence: [u8; 32]) -> Result<()> {
        let Self { config, position, pool, delegators_answer, vault: stake_vault, insurance, token_program, .. } = self;
        let slot = Clock::get()?.slot;
        let cut = slash::position(position, rate, slot)?;
        let amount = cut.sum()?;
        let total = config.bonded_mut(position.role);
        *total = sub(*total, cut.bonded)?;
        config.unbonding = sub(config.unbonding, cut.unbonding)?;
        require!(pool.as_ref().map(|p| p.operator) == position.pooled.then_some(position.owner), StakeError::WrongPool);
        let pool_event = match pool {
            Some(pool) if delegators_answer => slash_pool(config, pool, rate, slot, reason, evidence)?,
            _ => None,
        };
        let both = add(amount, pool_event.as_ref().map_or(0, |e| e.amount))?;
        require!(both > 0, StakeError::NothingToSlash);
        vault::pay(token_program, stake_vault, insurance, config, both)?;
        let slashed = Slashed {
            position: position.key(),
            sequence: sequence::take(&mut position.sequence)?,
            owner: position.owner,
            role: position.role,
            amount,
            bonded: position.amount,
            unbonding: position.unbonding,
            reason,
            evidence,
        };
        EMITTER.emit_all(self.event_authority, pool_event, &slashed)
    }
}

/// Slashes the OPEN delegated to the position's owner. Returns `None` if nothing was taken.
fn slash_pool(
    config: &mut Config,
    pool: &mut Account<Pool>,
    rate: &Rate,
    slot: u64,
    reason: SlashReason,
    evidence: [u8; 32],
) -> Result<Option<PoolSlashed>> {
    let cut = slash::pool(pool, rate, slot)?;
    let amount = cut.sum()?;
    if amount == 0 {
        return Ok(None);
    }
    config.delegated = sub(config.delegated, cut.bonded)?;
    config.delegated_unbonding = sub(config.delegated_unbonding, cut.unbonding)?;
    Ok(Some(PoolSlashed {
        pool: pool.key(),
        sequence: sequence::take(&mut pool.sequence)?,
        operator: pool.operator,
        amount,
        bonded: pool.bonded.assets,
        unbonding: pool.unbonding.assets,
        reason,
        evidence,
    }))
}
