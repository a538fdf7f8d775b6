//! `veto`: the guardian stops a proposal.

use crate::{error::GovernanceError, events::EMITTER, rules::end, seeds, state::*};
use anchor_lang::prelude::*;

/// Accounts of `veto`.
#[event_cpi]
#[derive(Accounts)]
pub struct Veto<'info> {
    /// The guardian.
    pub guardian: Signer<'info>,
    /// The config.
    #[account(seeds = [seeds::CONFIG], bump = config.bump, has_one = guardian @ GovernanceError::NotGuardian)]
    pub config: Box<Account<'info, Config>>,
    /// The proposal.
    #[account(mut, seeds = [seeds::PROPOSAL, &proposal.number.to_le_bytes()], bump = proposal.bump)]
    pub proposal: Box<Account<'info, Proposal>>,
}

impl Veto<'_> {
    /// A proposal that only replaces the guardian cannot be stopped: otherwise the guardian would be for ever.
    fn validate(&self) -> Result<()> {
        let proposal = &self.proposal;
        require!(matches!(proposal.state, ProposalState::Voting | ProposalState::Queued), GovernanceError::WrongState);
        require!(proposal.replaces_guardian < proposal.instructions, GovernanceError::GuardianMayNotVeto);
        Ok(())
    }
}

/// Ends it. What was executed of it stays so.
pub(crate) fn handler(ctx: Context<Veto>) -> Result<()> {
    ctx.accounts.validate()?;
    let event = end(&mut ctx.accounts.proposal, ProposalState::Vetoed)?;
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
