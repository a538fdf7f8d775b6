//! `cast_vote`: votes with a lock, once, with the weight that it had at the snapshot.

use crate::{
    error::GovernanceError,
    events::{EMITTER, VoteCast},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use openledger_shared::{checked::add, sequence};
use stake::state::VoteLock;

/// Accounts of `cast_vote`.
#[event_cpi]
#[derive(Accounts)]
pub struct CastVote<'info> {
    /// The lock's delegate, which is its owner if no other is named. It pays the rent.
    #[account(mut)]
    pub voter: Signer<'info>,
    /// The proposal.
    #[account(mut, seeds = [seeds::PROPOSAL, &proposal.number.to_le_bytes()], bump = proposal.bump)]
    pub proposal: Box<Account<'info, Proposal>>,
    /// The lock. The stake program makes locks only at their PDA, so the type identifies one.
    #[account(constraint = lock.delegate == voter.key() @ GovernanceError::NotDelegate)]
    pub lock: Box<Account<'info, VoteLock>>,
    /// Marks that the lock has voted. There is one account for each proposal and lock.
    #[account(
        init,
        payer = voter,
        space = 8 + Vote::INIT_SPACE,
        seeds = [seeds::VOTE, proposal.key().as_ref(), lock.key().as_ref()],
        bump
    )]
    pub vote: Box<Account<'info, Vote>>,
    /// The system program.
    pub system_program: Program<'info, System>,
}

impl CastVote<'_> {
    /// Checks that voting is in progress and the lock may vote, and returns the lock's weight.
    fn validate(&self) -> Result<u64> {
        self.proposal.require_state(ProposalState::Voting)?;
        require!(Clock::get()?.slot < self.proposal.voting_end_slot, GovernanceError::VotingOver);
        let weight = self.lock.weight_since(self.proposal.snapshot_slot);
        require!(weight > 0, GovernanceError::NoWeight);
        Ok(weight)
    }
}

/// Counts the vote.
pub(crate) fn handler(ctx: Context<CastVote>, choice: Choice) -> Result<()> {
    let weight = ctx.accounts.validate()?;
    let (proposal, lock) = (&mut ctx.accounts.proposal, &ctx.accounts.lock);
    let sum = match choice {
        Choice::For => &mut proposal.votes_for,
        Choice::Against => &mut proposal.votes_against,
        Choice::Abstain => &mut proposal.votes_abstain,
    };
    *sum = add(*sum, weight)?;
    let event = VoteCast {
        proposal: proposal.key(),
        sequence: sequence::take(&mut proposal.sequence)?,
        lock: lock.key(),
        voter: ctx.accounts.voter.key(),
        choice,
        weight,
    };
    ctx.accounts.vote.set_inner(Vote {
        version: Version::CURRENT,
        bump: ctx.bumps.vote,
        proposal: event.proposal,
        lock: event.lock,
        voter: event.voter,
        choice,
        weight,
    });
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
