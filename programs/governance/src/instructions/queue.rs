//! `queue`: the count. What passed waits for its timelock.

use crate::{
    error::GovernanceError,
    events::ProposalQueued,
    rules::{add, end},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use stake::sequence;

/// Accounts of `queue`.
#[event_cpi]
#[derive(Accounts)]
pub struct Queue<'info> {
    /// The proposal.
    #[account(mut, seeds = [seeds::PROPOSAL, &proposal.number.to_le_bytes()], bump = proposal.bump)]
    pub proposal: Box<Account<'info, Proposal>>,
}

/// Counts the votes.
pub(crate) fn handler(ctx: Context<Queue>) -> Result<()> {
    let (proposal, slot) = (&mut ctx.accounts.proposal, Clock::get()?.slot);
    proposal.require_state(ProposalState::Voting)?;
    require!(slot >= proposal.voting_end_slot, GovernanceError::VotingNotOver);
    if !proposal.passed() {
        let event = end(proposal, ProposalState::Defeated)?;
        emit_cpi!(event);
        return Ok(());
    }
    require!(slot < proposal.expiry_slot, GovernanceError::TooLate);
    proposal.state = ProposalState::Queued;
    // From now, not from the end of the vote: everybody sees it coming for the whole timelock.
    proposal.executable_slot = add(slot, proposal.timelock_slots)?;
    proposal.expiry_slot = add(proposal.executable_slot, proposal.grace_slots)?;
    let event = ProposalQueued {
        proposal: proposal.key(),
        sequence: sequence::take(&mut proposal.sequence)?,
        executable_slot: proposal.executable_slot,
        expiry_slot: proposal.expiry_slot,
    };
    emit_cpi!(event);
    Ok(())
}
