//! `cancel`: the proposer withdraws the proposal. It cannot do so once the vote is over.

use crate::{error::GovernanceError, events::EMITTER, rules::end, seeds, state::*};
use anchor_lang::prelude::*;

/// Accounts of `cancel`.
#[event_cpi]
#[derive(Accounts)]
pub struct Cancel<'info> {
    /// The proposer.
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

impl Cancel<'_> {
    fn validate(&self) -> Result<()> {
        if self.proposal.state != ProposalState::Draft {
            self.proposal.require_state(ProposalState::Voting)?;
            require!(Clock::get()?.slot < self.proposal.voting_end_slot, GovernanceError::VotingOver);
        }
        Ok(())
    }
}

/// Ends the proposal.
pub(crate) fn handler(ctx: Context<Cancel>) -> Result<()> {
    ctx.accounts.validate()?;
    let event = end(&mut ctx.accounts.proposal, ProposalState::Cancelled)?;
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
