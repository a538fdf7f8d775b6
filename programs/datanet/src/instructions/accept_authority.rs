//! `accept_authority`: makes the proposed wallet the config's authority.

use crate::{error::DatanetError, events::EMITTER, seeds, state::Config};
use anchor_lang::prelude::*;
use openledger_shared::governed;

/// Accounts of `accept_authority`.
#[event_cpi]
#[derive(Accounts)]
pub struct AcceptAuthority<'info> {
    /// The wallet that was named.
    pub new_authority: Signer<'info>,
    /// The config.
    #[account(
        mut, seeds = [seeds::CONFIG], bump = config.bump,
        constraint = config.pending_authority == Some(new_authority.key()) @ DatanetError::NotPendingAuthority,
    )]
    pub config: Account<'info, Config>,
}

/// Hands the authority over.
pub(crate) fn handler(ctx: Context<AcceptAuthority>) -> Result<()> {
    let a = &mut *ctx.accounts;
    let event = governed::accept_authority(&mut a.config, a.new_authority.key())?;
    EMITTER.emit(&a.event_authority, &event)
}
