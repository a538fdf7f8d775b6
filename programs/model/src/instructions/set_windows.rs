//! Changes the length of the windows of jobs.

use super::InitializeArgs;
use crate::{error::ModelError, events::ConfigChanged, seeds, state::Config};
use anchor_lang::prelude::*;
use stake::sequence::take;

/// Accounts of `set_windows`.
#[event_cpi]
#[derive(Accounts)]
pub struct SetWindows<'info> {
    /// The config's authority.
    pub authority: Signer<'info>,
    /// The config.
    #[account(
        mut, seeds = [seeds::CONFIG], bump = config.bump,
        has_one = authority @ ModelError::NotAuthority,
    )]
    pub config: Account<'info, Config>,
}

impl SetWindows<'_> {
    /// Checks the windows.
    pub fn validate(&self, args: &InitializeArgs) -> Result<()> {
        args.validate()
    }

    /// Writes them. A running job keeps its deadline.
    pub fn handler(ctx: Context<Self>, args: InitializeArgs) -> Result<()> {
        let config = &mut ctx.accounts.config;
        config.job_slots = args.job_slots;
        config.assign_slots = args.assign_slots;
        let event = ConfigChanged {
            config: config.key(),
            sequence: take(&mut config.sequence)?,
            authority: config.authority,
            pending_authority: config.pending_authority,
        };
        emit_cpi!(event);
        Ok(())
    }
}
