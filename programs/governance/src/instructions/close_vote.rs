//! `close_vote`: closes a vote's account once voting is over, and returns its rent to the payer.

use crate::{
    error::GovernanceError,
    events::{EMITTER, VoteClosed},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use openledger_shared::sequence;

/// Accounts of `close_vote`.
#[event_cpi]
#[derive(Accounts)]
pub struct CloseVote<'info> {
    /// The wallet that cast the vote. It receives the rent.
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

impl CloseVote<'_> {
    /// Checks that voting is over. Until then the account must stay, because it prevents the lock from voting twice.
    fn validate(&self) -> Result<()> {
        require!(
            self.proposal.state != ProposalState::Voting || Clock::get()?.slot >= self.proposal.voting_end_slot,
            GovernanceError::VotingNotOver
        );
        Ok(())
    }
}

/// Closes it.
pub(crate) fn handler(ctx: Context<CloseVote>) -> Result<()> {
    ctx.accounts.validate()?;
    let proposal = &mut ctx.accounts.proposal;
    let event = VoteClosed {
        proposal: proposal.key(),
        sequence: sequence::take(&mut proposal.sequence)?,
        lock: ctx.accounts.vote.lock,
    };
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
