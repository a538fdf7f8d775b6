//! Changes the length of the review windows for batches submitted from now on.

use super::InitializeArgs;
use crate::{error::DatanetError, events::ConfigChanged, seeds, state::Config};
use anchor_lang::prelude::*;

/// Accounts of `set_windows`.
#[event_cpi]
#[derive(Accounts)]
pub struct SetWindows<'info> {
    /// The config's authority.
    pub authority: Signer<'info>,
    /// The config.
    #[account(
        mut, seeds = [seeds::CONFIG], bump = config.bump,
        has_one = authority @ DatanetError::NotAuthority,
    )]
    pub config: Account<'info, Config>,
}

impl SetWindows<'_> {
    /// Checks the windows.
    pub fn validate(&self, args: &InitializeArgs) -> Result<()> {
        args.validate()
    }

    /// Writes them.
    pub fn handler(ctx: Context<Self>, args: InitializeArgs) -> Result<()> {
        let config = &mut ctx.accounts.config;
        config.commit_slots = args.commit_slots;
        config.reveal_slots = args.reveal_slots;
        let event = ConfigChanged::of(config)?;
        emit_cpi!(event);
        Ok(())
    }
}
