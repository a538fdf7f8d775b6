//! `pause`: stops payments, claims and settlements for a bounded time.

use super::propose_authority::changed;
use crate::{error::PayoutError, seeds, state::*};
use anchor_lang::prelude::*;
use openledger_shared::pause_until;

/// Accounts of `pause`.
#[event_cpi]
#[derive(Accounts)]
pub struct Pause<'info> {
    /// The config's authority.
    pub authority: Signer<'info>,
    /// The config.
    #[account(mut, seeds = [seeds::CONFIG], bump = config.bump, has_one = authority @ PayoutError::NotAuthority)]
    pub config: Box<Account<'info, Config>>,
}

/// Notes the slot; a later call replaces it.
pub(crate) fn handler(ctx: Context<Pause>, until_slot: u64) -> Result<()> {
    let config = &mut ctx.accounts.config;
    config.paused_until = pause_until(until_slot, Clock::get()?.slot)?;
    let event = changed(config)?;
    emit_cpi!(event);
    Ok(())
}
