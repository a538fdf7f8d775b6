//! `veto`: the guardian ends a proposal.

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
    /// Checks the proposal's state, and refuses to veto a proposal that only replaces the guardian. Otherwise a
    /// guardian could never be replaced.
    fn validate(&self) -> Result<()> {
        let proposal = &self.proposal;
        require!(matches!(proposal.state, ProposalState::Voting | ProposalState::Queued), GovernanceError::WrongState);
        require!(proposal.replaces_guardian < proposal.instructions, GovernanceError::GuardianMayNotVeto);
        Ok(())
    }
}

/// Ends the proposal. Instructions that were executed stay in effect.
pub(crate) fn handler(ctx: Context<Veto>) -> Result<()> {
    ctx.accounts.validate()?;
    let event = end(&mut ctx.accounts.proposal, ProposalState::Vetoed)?;
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
