//! Pauses the program.

use crate::{error::ModelError, events::ConfigChanged, seeds, state::Config};
use anchor_lang::prelude::*;
use openledger_shared::pause_until;

/// Accounts of `pause`.
#[event_cpi]
#[derive(Accounts)]
pub struct Pause<'info> {
    /// The config's authority.
    pub authority: Signer<'info>,
    /// The config.
    #[account(
        mut, seeds = [seeds::CONFIG], bump = config.bump,
        has_one = authority @ ModelError::NotAuthority,
    )]
    pub config: Account<'info, Config>,
}

impl Pause<'_> {
    /// Writes the slot. One that is past ends a pause, and the present one is noted as its end.
    pub fn handler(ctx: Context<Self>, until_slot: u64) -> Result<()> {
        let (config, slot) = (&mut ctx.accounts.config, Clock::get()?.slot);
        config.paused_until = pause_until(until_slot, slot)?.max(slot);
        let event = ConfigChanged::of(config)?;
        emit_cpi!(event);
        Ok(())
    }
}
