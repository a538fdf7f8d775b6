//! `add_members`: the authority names further members of the committee that it has proposed.

use crate::{error::StakeError, events::CommitteeProposed, seeds, sequence, state::*};
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

/// Seats the members.
pub(crate) fn handler<'info>(ctx: Context<'info, AddMembers<'info>>, members: Vec<Pubkey>) -> Result<()> {
    require!(ctx.accounts.committee.roster.is_none(), StakeError::MembersAreNamed);
    let event = seat(&mut ctx.accounts.committee, &ctx.accounts.config, members, ctx.remaining_accounts)?;
    emit_cpi!(event);
    Ok(())
}

/// Checks each of `members` with its accounts (operator, operator position), seats them, and moves the committee on to
/// `Confirming` once it is complete.
pub(crate) fn seat<'info>(
    committee: &mut Account<'info, Committee>,
    config: &Config,
    members: Vec<Pubkey>,
    accounts: &'info [AccountInfo<'info>],
) -> Result<CommitteeProposed> {
    let size = committee.size as usize;
    require!(
        (1..=MAX_MEMBERS_PER_CALL).contains(&members.len()) && committee.members.len() + members.len() <= size,
        StakeError::BadMemberCount
    );
    require!(accounts.len() == 2 * members.len(), StakeError::WrongMemberAccounts);
    for (member, pair) in members.iter().zip(accounts.chunks_exact(2)) {
        // This program makes operators and positions nowhere but at their PDA: type and owner field name them fully.
        let operator = Account::<Operator>::try_from(&pair[0]).map_err(|_| StakeError::WrongMemberAccounts)?;
        let position = Account::<Position>::try_from(&pair[1]).map_err(|_| StakeError::WrongMemberAccounts)?;
        require!(
            operator.owner == *member && position.owner == *member && position.role == Role::Operator,
            StakeError::WrongMemberAccounts
        );
        require!(position.amount >= config.min_operator_stake, StakeError::BelowMinimum);
        require!(committee.place(member).is_none(), StakeError::DuplicateMember);
        committee.members.push(*member);
        committee.confirmed.push(false);
    }
    if committee.members.len() == size {
        committee.status = CommitteeStatus::Confirming;
    }
    proposed(committee, members)
}

/// The event of a committee that is forming and of the members that this call has named.
pub(crate) fn proposed(committee: &mut Account<Committee>, members: Vec<Pubkey>) -> Result<CommitteeProposed> {
    Ok(CommitteeProposed {
        committee: committee.key(),
        sequence: sequence::take(&mut committee.sequence)?,
        epoch: committee.epoch,
        threshold: committee.threshold,
        size: committee.size,
        members,
    })
}
