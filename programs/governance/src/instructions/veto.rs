//! `veto`: the guardian stops a proposal.

use crate::{error::GovernanceError, rules::end, seeds, state::*};
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

/// Ends it. What was executed of it stays so. A proposal that only replaces the guardian cannot be stopped: otherwise
/// the guardian would be for ever.
pub(crate) fn handler(ctx: Context<Veto>) -> Result<()> {
    let proposal = &mut ctx.accounts.proposal;
    require!(matches!(proposal.state, ProposalState::Voting | ProposalState::Queued), GovernanceError::WrongState);
    require!(proposal.replaces_guardian < proposal.instructions, GovernanceError::GuardianMayNotVeto);
    let event = end(proposal, ProposalState::Vetoed)?;
    emit_cpi!(event);
    Ok(())
}
