//! `set_guardian`: replaces the guardian. An address that nobody can sign for, such as the system program's, means that
//! there is none.

use crate::{
    error::GovernanceError,
    events::{ConfigChanged, EMITTER},
    rules::authority,
    seeds,
    state::*,
};
use anchor_lang::prelude::*;

/// Accounts of `set_guardian`.
#[event_cpi]
#[derive(Accounts)]
pub struct SetGuardian<'info> {
    /// The authority. For this program it signs only instructions of proposals that passed.
    #[account(constraint = authority(&config)? == governance_authority.key() @ GovernanceError::NotAuthority)]
    pub governance_authority: Signer<'info>,
    /// The config.
    #[account(mut, seeds = [seeds::CONFIG], bump = config.bump)]
    pub config: Box<Account<'info, Config>>,
}

/// Writes the new guardian.
pub(crate) fn handler(ctx: Context<SetGuardian>, guardian: Pubkey) -> Result<()> {
    let config = &mut ctx.accounts.config;
    config.guardian = guardian;
    let event = ConfigChanged::of(config)?;
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
