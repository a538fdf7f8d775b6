//! `propose_authority`: proposes the key that may take the authority over.

use crate::{error::StakeError, events::EMITTER, seeds, state::*};
use anchor_lang::prelude::*;
use openledger_shared::governed;

/// Accounts of `propose_authority`.
#[event_cpi]
#[derive(Accounts)]
pub struct ProposeAuthority<'info> {
    /// The config's authority.
    pub authority: Signer<'info>,
    /// The config.
    #[account(mut, seeds = [seeds::CONFIG], bump = config.bump, has_one = authority @ StakeError::NotAuthority)]
    pub config: Box<Account<'info, Config>>,
}

/// Stores the proposed key. A later proposal replaces it.
pub(crate) fn handler(ctx: Context<ProposeAuthority>, new: Pubkey) -> Result<()> {
    let event = governed::propose_authority(&mut ctx.accounts.config, new)?;
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
