//! `set_parameters`: sets the windows, the bond and the circuit breaker, within the program's bounds. The change holds
//! at once.

use crate::{error::PayoutError, events::EMITTER, parameters::Parameters, seeds, state::*};
use anchor_lang::prelude::*;
use openledger_shared::governed;

/// Accounts of `set_parameters`.
#[event_cpi]
#[derive(Accounts)]
pub struct SetParameters<'info> {
    /// The config's authority.
    pub authority: Signer<'info>,
    /// The config.
    #[account(mut, seeds = [seeds::CONFIG], bump = config.bump, has_one = authority @ PayoutError::NotAuthority)]
    pub config: Box<Account<'info, Config>>,
    /// The stake program's config. Its unbonding time must be longer than all challenges of a settlement can take.
    pub stake_config: Box<Account<'info, stake::state::Config>>,
}

impl SetParameters<'_> {
    fn validate(&self, parameters: &Parameters) -> Result<()> {
        parameters.validate(self.stake_config.unbond_slots)
    }
}

/// Replaces the parameters. Settlements and challenges in progress keep their slots.
pub(crate) fn handler(ctx: Context<SetParameters>, parameters: Parameters) -> Result<()> {
    ctx.accounts.validate(&parameters)?;
    let config = &mut ctx.accounts.config;
    config.parameters = parameters;
    let event = governed::changed(config)?;
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
