//! `set_windows`: changes the windows of jobs and the data share of their fees.

use super::initialize::InitializeArgs;
use crate::{error::ModelError, events::EMITTER, seeds, state::Config};
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
        has_one = authority @ ModelError::NotAuthority,
    )]
    pub config: Account<'info, Config>,
}

impl SetWindows<'_> {
    /// Checks the windows and the data share.
    fn validate(&self, args: &InitializeArgs) -> Result<()> {
        args.validate()
    }
}

/// Writes the arguments. A running job keeps its deadline. A requested job keeps its data share.
pub(crate) fn handler(ctx: Context<SetWindows>, args: InitializeArgs) -> Result<()> {
    ctx.accounts.validate(&args)?;
    let config = &mut ctx.accounts.config;
    config.job_slots = args.job_slots;
    config.assign_slots = args.assign_slots;
    config.heartbeat_slots = args.heartbeat_slots;
    config.data_share_bps = args.data_share_bps;
    let event = governed::changed(config)?;
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
