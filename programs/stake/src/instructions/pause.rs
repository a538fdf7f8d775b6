//! `pause`: refuses every instruction that moves tokens, except slashes, until a slot. A pause ends by itself.

use crate::{error::StakeError, events::EMITTER, seeds, state::*};
use anchor_lang::prelude::*;
use openledger_shared::governed;

/// Accounts of `pause`.
#[event_cpi]
#[derive(Accounts)]
pub struct Pause<'info> {
    /// The config's authority.
    pub authority: Signer<'info>,
    /// The config.
    #[account(mut, seeds = [seeds::CONFIG], bump = config.bump, has_one = authority @ StakeError::NotAuthority)]
    pub config: Box<Account<'info, Config>>,
}

/// Stores the end of the pause.
pub(crate) fn handler(ctx: Context<Pause>, until_slot: u64) -> Result<()> {
    let event = governed::pause(&mut ctx.accounts.config, until_slot)?;
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
