//! `set_parameters`: sets the parameters of votes that begin from now on.

use crate::{
    error::GovernanceError,
    events::{ConfigChanged, EMITTER},
    rules::authority,
    seeds,
    state::*,
};
use anchor_lang::prelude::*;

/// Accounts of `set_parameters`.
#[event_cpi]
#[derive(Accounts)]
pub struct SetParameters<'info> {
    /// The authority, which signs nothing but the instructions of proposals that passed.
    #[account(constraint = authority(&config)? == governance_authority.key() @ GovernanceError::NotAuthority)]
    pub governance_authority: Signer<'info>,
    /// The config.
    #[account(mut, seeds = [seeds::CONFIG], bump = config.bump)]
    pub config: Box<Account<'info, Config>>,
}

impl SetParameters<'_> {
    fn validate(&self, parameters: &Parameters) -> Result<()> {
        parameters.validate(self.config.min_voting_slots, self.config.min_timelock_slots)
    }
}

/// Writes the parameters.
pub(crate) fn handler(ctx: Context<SetParameters>, parameters: Parameters) -> Result<()> {
    ctx.accounts.validate(&parameters)?;
    let config = &mut ctx.accounts.config;
    config.parameters = parameters;
    let event = ConfigChanged::of(config)?;
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
