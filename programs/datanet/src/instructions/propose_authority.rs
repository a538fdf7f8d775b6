//! `propose_authority`: proposes the wallet that may take the config over.

use crate::{error::DatanetError, events::EMITTER, seeds, state::Config};
use anchor_lang::prelude::*;
use openledger_shared::governed;

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

/// Stores the proposed key. A later proposal replaces it.
pub(crate) fn handler(ctx: Context<ProposeAuthority>, new: Pubkey) -> Result<()> {
    let event = governed::propose_authority(&mut ctx.accounts.config, new)?;
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
