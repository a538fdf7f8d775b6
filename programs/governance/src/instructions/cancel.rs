//! `cancel`: the proposer withdraws the proposal. Once the vote is over it is the voters'.

use crate::{error::GovernanceError, rules::end, seeds, state::*};
use anchor_lang::prelude::*;

/// Accounts of `cancel`.
#[event_cpi]
#[derive(Accounts)]
pub struct Cancel<'info> {
    /// Who proposed.
    pub proposer: Signer<'info>,
    /// The proposal.
    #[account(
        mut,
        seeds = [seeds::PROPOSAL, &proposal.number.to_le_bytes()],
        bump = proposal.bump,
        has_one = proposer @ GovernanceError::NotProposer
    )]
    pub proposal: Box<Account<'info, Proposal>>,
}

/// Ends it.
pub(crate) fn handler(ctx: Context<Cancel>) -> Result<()> {
    let proposal = &mut ctx.accounts.proposal;
    if proposal.state != ProposalState::Draft {
        proposal.require_state(ProposalState::Voting)?;
        require!(Clock::get()?.slot < proposal.voting_end_slot, GovernanceError::VotingOver);
    }
    let event = end(proposal, ProposalState::Cancelled)?;
    emit_cpi!(event);
    Ok(())
}
