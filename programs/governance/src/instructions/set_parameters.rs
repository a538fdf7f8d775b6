//! `set_parameters`: what proposals are decided by, from the next vote that begins.

use crate::{error::GovernanceError, events::ConfigChanged, rules::authority, seeds, state::*};
use anchor_lang::prelude::*;
use stake::sequence;

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

/// Checks and writes them.
pub(crate) fn handler(ctx: Context<SetParameters>, parameters: Parameters) -> Result<()> {
    let config = &mut ctx.accounts.config;
    parameters.validate(config.min_voting_slots, config.min_timelock_slots)?;
    config.parameters = parameters;
    let event = changed(config)?;
    emit_cpi!(event);
    Ok(())
}

/// The event of the config as it is now.
pub(crate) fn changed(config: &mut Account<Config>) -> Result<ConfigChanged> {
    Ok(ConfigChanged {
        config: config.key(),
        sequence: sequence::take(&mut config.sequence)?,
        guardian: config.guardian,
        parameters: config.parameters,
    })
}
