//! `create_proposal`: makes the draft of a proposal.

use crate::{
    error::GovernanceError,
    events::{EMITTER, ProposalCreated},
    rules::require_threshold,
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use openledger_shared::{checked::add, sequence, text::is_plain};
use stake::state::VoteLock;

/// Accounts of `create_proposal`.
#[event_cpi]
#[derive(Accounts)]
pub struct CreateProposal<'info> {
    /// The proposer. It pays the rent.
    #[account(mut)]
    pub proposer: Signer<'info>,
    /// The config.
    #[account(mut, seeds = [seeds::CONFIG], bump = config.bump)]
    pub config: Box<Account<'info, Config>>,
    /// A lock whose delegate is the proposer. The stake program makes locks only at their PDA, so the type identifies
    /// one.
    pub lock: Box<Account<'info, VoteLock>>,
    /// The proposal to make.
    #[account(
        init,
        payer = proposer,
        space = 8 + Proposal::INIT_SPACE,
        seeds = [seeds::PROPOSAL, &config.proposals.to_le_bytes()],
        bump
    )]
    pub proposal: Box<Account<'info, Proposal>>,
    /// The system program.
    pub system_program: Program<'info, System>,
}

impl CreateProposal<'_> {
    fn validate(&self, uri: &str) -> Result<()> {
        require_threshold(&self.config, &self.lock, self.proposer.key, Clock::get()?.slot)?;
        require!(is_plain(uri, MAX_URI), GovernanceError::BadUri);
        Ok(())
    }
}

/// Makes the draft.
pub(crate) fn handler(ctx: Context<CreateProposal>, description_hash: [u8; 32], description_uri: String) -> Result<()> {
    ctx.accounts.validate(&description_uri)?;
    let (config, proposer) = (&mut ctx.accounts.config, ctx.accounts.proposer.key());
    let number = config.proposals;
    config.proposals = add(number, 1)?;
    let proposal = &mut ctx.accounts.proposal;
    proposal.set_inner(Proposal {
        version: Version::CURRENT,
        bump: ctx.bumps.proposal,
        number,
        proposer,
        description_hash,
        description_uri: description_uri.clone(),
        state: ProposalState::Draft,
        instructions: 0,
        replaces_guardian: 0,
        executed: 0,
        snapshot_slot: 0,
        snapshot_locked: 0,
        quorum: 0,
        voting_end_slot: 0,
        timelock_slots: 0,
        grace_slots: 0,
        executable_slot: 0,
        expiry_slot: 0,
        votes_for: 0,
        votes_against: 0,
        votes_abstain: 0,
        sequence: 0,
    });
    let event = ProposalCreated {
        proposal: proposal.key(),
        sequence: sequence::take(&mut proposal.sequence)?,
        number,
        proposer,
        description_hash,
        description_uri,
    };
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
