//! Names a wallet that may take over the config.

use crate::{error::DatanetError, events::ConfigChanged, seeds, state::Config};
use anchor_lang::prelude::*;

/// Accounts of `propose_authority`.
#[event_cpi]
#[derive(Accounts)]
pub struct ProposeAuthority<'info> {
    /// The config's authority.
    pub authority: Signer<'info>,
    /// The config.
    #[account(
        mut, seeds = [seeds::CONFIG], bump = config.bump,
        has_one = authority @ DatanetError::NotAuthority,
    )]
    pub config: Account<'info, Config>,
}

impl ProposeAuthority<'_> {
    /// Writes the proposal; a later one replaces it. The authority keeps its power until the other accepts.
    pub fn handler(ctx: Context<Self>, new: Pubkey) -> Result<()> {
        let config = &mut ctx.accounts.config;
        config.pending_authority = Some(new);
        let event = ConfigChanged::of(config)?;
        emit_cpi!(event);
        Ok(())
    }
}
