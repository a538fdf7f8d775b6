//! `pause`: nothing that moves tokens until a slot. It ends by itself.

use crate::{error::StakeError, events::Paused, seeds, sequence, state::*};
use anchor_lang::prelude::*;
use openledger_shared::pause_until;

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

/// Notes the end of the pause.
pub(crate) fn handler(ctx: Context<Pause>, until_slot: u64) -> Result<()> {
    let config = &mut ctx.accounts.config;
    config.paused_until = pause_until(until_slot, Clock::get()?.slot)?;
    let event = Paused {
        config: config.key(),
        sequence: sequence::take(&mut config.sequence)?,
        paused_until: config.paused_until,
    };
    emit_cpi!(event);
    Ok(())
}
