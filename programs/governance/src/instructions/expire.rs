//! `expire`: ends a proposal that nobody queued or executed in time.

use crate::{error::GovernanceError, events::EMITTER, rules::end, seeds, state::*};
use anchor_lang::prelude::*;

/// Accounts of `expire`.
#[event_cpi]
#[derive(Accounts)]
pub struct Expire<'info> {
    /// The proposal.
    #[account(mut, seeds = [seeds::PROPOSAL, &proposal.number.to_le_bytes()], bump = proposal.bump)]
    pub proposal: Box<Account<'info, Proposal>>,
}

impl Expire<'_> {
    fn validate(&self) -> Result<()> {
        let waits = matches!(self.proposal.state, ProposalState::Voting | ProposalState::Queued);
        require!(waits, GovernanceError::WrongState);
        require!(Clock::get()?.slot >= self.proposal.expiry_slot, GovernanceError::NotTooLate);
        Ok(())
    }
}

/// Ends the proposal. Instructions that were executed stay in effect.
pub(crate) fn handler(ctx: Context<Expire>) -> Result<()> {
    ctx.accounts.validate()?;
    let event = end(&mut ctx.accounts.proposal, ProposalState::Expired)?;
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
