//! Takes over the config.

use crate::{error::DatanetError, events::ConfigChanged, seeds, state::Config};
use anchor_lang::prelude::*;

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

impl AcceptAuthority<'_> {
    /// Makes the signer the authority.
    pub fn handler(ctx: Context<Self>) -> Result<()> {
        let a = &mut *ctx.accounts;
        a.config.authority = a.new_authority.key();
        a.config.pending_authority = None;
        let event = ConfigChanged::of(&mut a.config)?;
        emit_cpi!(event);
        Ok(())
    }
}
