//! `queue`: counts the votes. A proposal that passed then waits for its timelock.

use crate::{
    error::GovernanceError,
    events::{EMITTER, ProposalQueued},
    rules::end,
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use openledger_shared::{checked::add, sequence};

/// Accounts of `queue`.
#[event_cpi]
#[derive(Accounts)]
pub struct Queue<'info> {
    /// The proposal.
    #[account(mut, seeds = [seeds::PROPOSAL, &proposal.number.to_le_bytes()], bump = proposal.bump)]
    pub proposal: Box<Account<'info, Proposal>>,
}

impl Queue<'_> {
    /// Checks that the vote is over and, if the proposal passed, that its time to be queued is not over. Returns
    /// whether it passed, and the slot.
    fn validate(&self) -> Result<(bool, u64)> {
        let (proposal, slot) = (&self.proposal, Clock::get()?.slot);
        proposal.require_state(ProposalState::Voting)?;
        require!(slot >= proposal.voting_end_slot, GovernanceError::VotingNotOver);
        let passed = proposal.passed();
        require!(!passed || slot < proposal.expiry_slot, GovernanceError::TooLate);
        Ok((passed, slot))
    }
}

/// Ends a proposal that has not passed. Begins the timelock of a proposal that has passed.
pub(crate) fn handler(ctx: Context<Queue>) -> Result<()> {
    let (passed, slot) = ctx.accounts.validate()?;
    let proposal = &mut ctx.accounts.proposal;
    if !passed {
        let event = end(proposal, ProposalState::Defeated)?;
        return EMITTER.emit(&ctx.accounts.event_authority, &event);
    }
    proposal.state = ProposalState::Queued;
    // The timelock counts from now and not from the end of the vote, so that everybody can see the queued proposal for
    // the whole timelock.
    proposal.executable_slot = add(slot, proposal.timelock_slots)?;
    proposal.expiry_slot = add(proposal.executable_slot, proposal.grace_slots)?;
    let event = ProposalQueued {
        proposal: proposal.key(),
        sequence: sequence::take(&mut proposal.sequence)?,
        executable_slot: proposal.executable_slot,
        expiry_slot: proposal.expiry_slot,
    };
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
