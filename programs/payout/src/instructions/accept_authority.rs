//! `accept_authority`: the proposed key takes over.

use super::propose_authority::changed;
use crate::{error::PayoutError, seeds, state::*};
use anchor_lang::prelude::*;

/// Accounts of `accept_authority`.
#[event_cpi]
#[derive(Accounts)]
pub struct AcceptAuthority<'info> {
    /// The key that was proposed.
    pub new_authority: Signer<'info>,
    /// The config.
    #[account(
        mut,
        seeds = [seeds::CONFIG],
        bump = config.bump,
        constraint = config.pending_authority == Some(new_authority.key()) @ PayoutError::NotPendingAuthority
    )]
    pub config: Box<Account<'info, Config>>,
}

/// Hands the authority over.
pub(crate) fn handler(ctx: Context<AcceptAuthority>) -> Result<()> {
    let config = &mut ctx.accounts.config;
    config.authority = ctx.accounts.new_authority.key();
    config.pending_authority = None;
    let event = changed(config)?;
    emit_cpi!(event);
    Ok(())
}
