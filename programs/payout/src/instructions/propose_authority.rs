//! `propose_authority`: names who may take over.

use crate::{error::PayoutError, events::ConfigChanged, seeds, state::*};
use anchor_lang::prelude::*;
use stake::sequence;

/// Accounts of `propose_authority`.
#[event_cpi]
#[derive(Accounts)]
pub struct ProposeAuthority<'info> {
    /// The config's authority.
    pub authority: Signer<'info>,
    /// The config.
    #[account(mut, seeds = [seeds::CONFIG], bump = config.bump, has_one = authority @ PayoutError::NotAuthority)]
    pub config: Box<Account<'info, Config>>,
}

/// Notes the proposal; a later one replaces it.
pub(crate) fn handler(ctx: Context<ProposeAuthority>, new: Pubkey) -> Result<()> {
    let config = &mut ctx.accounts.config;
    config.pending_authority = Some(new);
    let event = changed(config)?;
    emit_cpi!(event);
    Ok(())
}

/// The event of the config as it is now.
pub(crate) fn changed(config: &mut Account<Config>) -> Result<ConfigChanged> {
    Ok(ConfigChanged {
        config: config.key(),
        sequence: sequence::take(&mut config.sequence)?,
        authority: config.authority,
        pending_authority: config.pending_authority,
        fees: config.fees,
        next_fees: config.next_fees,
        parameters: config.parameters,
        paused_until: config.paused_until,
    })
}
