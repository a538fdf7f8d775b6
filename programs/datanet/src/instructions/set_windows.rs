//! `set_windows`: changes the length of the review windows for batches submitted from now on.

use super::initialize::InitializeArgs;
use crate::{error::DatanetError, events::EMITTER, seeds, state::Config};
use anchor_lang::prelude::*;
use openledger_shared::governed;

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
    fn validate(&self, args: &InitializeArgs) -> Result<()> {
        args.validate()
    }
}

/// Writes the windows.
pub(crate) fn handler(ctx: Context<SetWindows>, args: InitializeArgs) -> Result<()> {
    ctx.accounts.validate(&args)?;
    let config = &mut ctx.accounts.config;
    config.commit_slots = args.commit_slots;
    config.reveal_slots = args.reveal_slots;
    let event = governed::changed(config)?;
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
