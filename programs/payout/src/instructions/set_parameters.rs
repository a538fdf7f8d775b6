//! `set_parameters`: other windows, bond and circuit breaker, within the program's bounds, at once.

use super::propose_authority::changed;
use crate::{error::PayoutError, parameters::Parameters, seeds, state::*};
use anchor_lang::prelude::*;

/// Accounts of `set_parameters`.
#[event_cpi]
#[derive(Accounts)]
pub struct SetParameters<'info> {
    /// The config's authority.
    pub authority: Signer<'info>,
    /// The config.
    #[account(mut, seeds = [seeds::CONFIG], bump = config.bump, has_one = authority @ PayoutError::NotAuthority)]
    pub config: Box<Account<'info, Config>>,
    /// The stake program's config: its unbonding must outlast every challenge.
    pub stake_config: Box<Account<'info, stake::state::Config>>,
}

/// Replaces the parameters. Settlements and challenges that are under way keep the slots they were given.
pub(crate) fn handler(ctx: Context<SetParameters>, parameters: Parameters) -> Result<()> {
    parameters.validate(ctx.accounts.stake_config.unbond_slots)?;
    let config = &mut ctx.accounts.config;
    config.parameters = parameters;
    let event = changed(config)?;
    emit_cpi!(event);
    Ok(())
}
