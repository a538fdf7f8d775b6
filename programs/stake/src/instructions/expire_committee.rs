//! `expire_committee`: anyone gives up a committee that did not become active in time.

use crate::{error::StakeError, events::EMITTER, formation::abandoned, seeds, state::*};
use anchor_lang::prelude::*;

/// Accounts of `expire_committee`.
#[event_cpi]
#[derive(Accounts)]
pub struct ExpireCommittee<'info> {
    /// The config.
    #[account(mut, seeds = [seeds::CONFIG], bump = config.bump)]
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

impl ExpireCommittee<'_> {
    fn validate(&self) -> Result<()> {
        require!(Clock::get()?.slot > self.committee.deadline_slot, StakeError::NotExpired);
        Ok(())
    }
}

/// Closes the committee. Its members may then unbond, and another committee can be proposed. The active committee stays
/// active.
pub(crate) fn handler(ctx: Context<ExpireCommittee>) -> Result<()> {
    ctx.accounts.validate()?;
    let event = abandoned(&mut ctx.accounts.config, &mut ctx.accounts.committee)?;
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
