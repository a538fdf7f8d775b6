//! `pause`: pauses the program.

use crate::{error::DatanetError, events::EMITTER, seeds, state::Config};
use anchor_lang::prelude::*;
use openledger_shared::governed;

/// Accounts of `pause`.
#[event_cpi]
#[derive(Accounts)]
pub struct Pause<'info> {
    /// The config's authority.
    pub authority: Signer<'info>,
    /// The config.
    #[account(
        mut, seeds = [seeds::CONFIG], bump = config.bump,
        has_one = authority @ DatanetError::NotAuthority,
    )]
    pub config: Account<'info, Config>,
}

/// Stores the end of the pause.
pub(crate) fn handler(ctx: Context<Pause>, until_slot: u64) -> Result<()> {
    let event = governed::pause(&mut ctx.accounts.config, until_slot)?;
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
