//! `abandon_committee`: the authority gives up a committee whose key generation failed.

use crate::{error::StakeError, events::EMITTER, formation::abandoned, seeds, state::*};
use anchor_lang::prelude::*;

/// Accounts of `abandon_committee`.
#[event_cpi]
#[derive(Accounts)]
pub struct AbandonCommittee<'info> {
    /// The config's authority.
    pub authority: Signer<'info>,
    /// The config.
    #[account(mut, seeds = [seeds::CONFIG], bump = config.bump, has_one = authority @ StakeError::NotAuthority)]
    pub config: Box<Account<'info, Config>>,
    /// The committee of the epoch after the active one: it is forming or confirming, never active.
    #[account(
        mut,
        close = payer,
        seeds = [seeds::COMMITTEE, &(config.committee_epoch + 1).to_le_bytes()],
        bump = committee.bump,
        has_one = payer
    )]
    pub committee: Box<Account<'info, Committee>>,
    /// The wallet that paid the committee's rent. It gets the rent back.
    /// CHECK: the committee names it.
    #[account(mut)]
    pub payer: UncheckedAccount<'info>,
}

/// Closes the committee.
pub(crate) fn handler(ctx: Context<AbandonCommittee>) -> Result<()> {
    let event = abandoned(&mut ctx.accounts.config, &mut ctx.accounts.committee)?;
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
