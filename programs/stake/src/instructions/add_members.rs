//! `add_members`: the authority names further members of the committee that it has proposed.

use crate::{error::StakeError, events::EMITTER, formation::proposed, seeds, state::*};
use anchor_lang::prelude::*;

/// Accounts of `add_members`. Remaining accounts: for each member in order, its operator account and its operator
/// position.
#[event_cpi]
#[derive(Accounts)]
pub struct AddMembers<'info> {
    /// The config's authority.
    pub authority: Signer<'info>,
    /// The config.
    #[account(seeds = [seeds::CONFIG], bump = config.bump, has_one = authority @ StakeError::NotAuthority)]
    pub config: Box<Account<'info, Config>>,
    /// The committee of the epoch after the active one.
    #[account(
        mut,
        seeds = [seeds::COMMITTEE, &(config.committee_epoch + 1).to_le_bytes()],
        bump = committee.bump,
        constraint = committee.status == CommitteeStatus::Forming @ StakeError::NotForming
    )]
    pub committee: Box<Account<'info, Committee>>,
}

impl<'info> AddMembers<'info> {
    fn validate(&self, members: &[Pubkey], accounts: &'info [AccountInfo<'info>]) -> Result<()> {
        require!(self.committee.roster.is_none(), StakeError::MembersAreNamed);
        self.committee.validate_seats(&self.config, members, accounts)
    }
}

/// Seats the members.
pub(crate) fn handler<'info>(ctx: Context<'info, AddMembers<'info>>, members: Vec<Pubkey>) -> Result<()> {
    ctx.accounts.validate(&members, ctx.remaining_accounts)?;
    let committee = &mut ctx.accounts.committee;
    committee.seat(&members);
    let event = proposed(committee, members)?;
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
