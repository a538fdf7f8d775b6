//! `close_vote`: rent of a vote's account back to who paid it, once no vote is taken any more.

use crate::{error::GovernanceError, events::VoteClosed, seeds, state::*};
use anchor_lang::prelude::*;
use stake::sequence;

/// Accounts of `close_vote`.
#[event_cpi]
#[derive(Accounts)]
pub struct CloseVote<'info> {
    /// Who cast the vote: gets the rent.
    /// CHECK: the vote names it.
    #[account(mut)]
    pub voter: UncheckedAccount<'info>,
    /// The proposal.
    #[account(mut, seeds = [seeds::PROPOSAL, &proposal.number.to_le_bytes()], bump = proposal.bump)]
    pub proposal: Box<Account<'info, Proposal>>,
    /// The vote's account.
    #[account(
        mut,
        seeds = [seeds::VOTE, proposal.key().as_ref(), vote.lock.as_ref()],
        bump = vote.bump,
        has_one = voter,
        close = voter
    )]
    pub vote: Box<Account<'info, Vote>>,
}

/// Closes it. While votes are taken the account must stay: it is what keeps a lock from voting twice.
pub(crate) fn handler(ctx: Context<CloseVote>) -> Result<()> {
    let proposal = &mut ctx.accounts.proposal;
    require!(
        proposal.state != ProposalState::Voting || Clock::get()?.slot >= proposal.voting_end_slot,
        GovernanceError::VotingNotOver
    );
    let event = VoteClosed {
        proposal: proposal.key(),
        sequence: sequence::take(&mut proposal.sequence)?,
        lock: ctx.accounts.vote.lock,
    };
    emit_cpi!(event);
    Ok(())
}
