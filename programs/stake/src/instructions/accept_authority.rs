//! `accept_authority`: the proposed key takes over.

use crate::{error::StakeError, events::EMITTER, seeds, state::*};
use anchor_lang::prelude::*;
use openledger_shared::governed;

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
        constraint = config.pending_authority == Some(new_authority.key()) @ StakeError::NotPendingAuthority
    )]
    pub config: Box<Account<'info, Config>>,
}

/// Hands the authority over.
pub(crate) fn handler(ctx: Context<AcceptAuthority>) -> Result<()> {
    let a = &mut *ctx.accounts;
    let event = governed::accept_authority(&mut a.config, a.new_authority.key())?;
    EMITTER.emit(&a.event_authority, &event)
}
