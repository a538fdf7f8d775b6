//! `seat_members`: seats the members that the present committee has attested. Anyone may send it.

use crate::{error::StakeError, events::EMITTER, formation::proposed, roster::chain, seeds, state::*};
use anchor_lang::prelude::*;

/// Accounts of `seat_members`. Remaining accounts: for each member in order, its operator account and its operator
/// position.
#[event_cpi]
#[derive(Accounts)]
pub struct SeatMembers<'info> {
    /// The config.
    #[account(seeds = [seeds::CONFIG], bump = config.bump)]
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

impl<'info> SeatMembers<'info> {
    fn validate(&self, members: &[Pubkey], rest: [u8; 32], accounts: &'info [AccountInfo<'info>]) -> Result<()> {
        let left = self.committee.roster.ok_or(StakeError::NoRoster)?;
        require!(members.len() <= MAX_MEMBERS_PER_CALL && chain(members, rest) == left, StakeError::NotOnRoster);
        self.committee.validate_seats(&self.config, members, accounts)
    }
}

/// Seats the next members of the roster. `rest` is the hash of the members after them.
pub(crate) fn handler<'info>(
    ctx: Context<'info, SeatMembers<'info>>,
    members: Vec<Pubkey>,
    rest: [u8; 32],
) -> Result<()> {
    ctx.accounts.validate(&members, rest, ctx.remaining_accounts)?;
    let committee = &mut ctx.accounts.committee;
    committee.roster = Some(rest);
    committee.seat(&members);
    let event = proposed(committee, members)?;
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
