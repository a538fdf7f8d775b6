//! `expire`: nobody queued or executed the proposal in time.

use crate::{error::GovernanceError, rules::end, seeds, state::*};
use anchor_lang::prelude::*;

/// Accounts of `expire`.
#[event_cpi]
#[derive(Accounts)]
pub struct Expire<'info> {
    /// The proposal.
    #[account(mut, seeds = [seeds::PROPOSAL, &proposal.number.to_le_bytes()], bump = proposal.bump)]
    pub proposal: Box<Account<'info, Proposal>>,
}

/// Ends it. What was executed of it stays so.
pub(crate) fn handler(ctx: Context<Expire>) -> Result<()> {
    let proposal = &mut ctx.accounts.proposal;
    require!(matches!(proposal.state, ProposalState::Voting | ProposalState::Queued), GovernanceError::WrongState);
    require!(Clock::get()?.slot >= proposal.expiry_slot, GovernanceError::NotTooLate);
    let event = end(proposal, ProposalState::Expired)?;
    emit_cpi!(event);
    Ok(())
}
