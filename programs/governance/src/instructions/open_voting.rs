//! `open_voting`: makes the draft final and opens the vote. Only locks that have not changed since before this slot
//! have weight.

use crate::{
    error::GovernanceError,
    events::{EMITTER, VotingOpened},
    rules::{quorum, require_threshold},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use openledger_shared::{checked::add, sequence};
use stake::state::VoteLock;

/// Accounts of `open_voting`.
#[event_cpi]
#[derive(Accounts)]
pub struct OpenVoting<'info> {
    /// The proposer.
    pub proposer: Signer<'info>,
    /// The config.
    #[account(seeds = [seeds::CONFIG], bump = config.bump)]
    pub config: Box<Account<'info, Config>>,
    /// The stake program's config, with the sum of all locks. There is only one, so its type identifies it.
    pub stake_config: Box<Account<'info, stake::state::Config>>,
    /// A lock whose delegate is the proposer.
    pub lock: Box<Account<'info, VoteLock>>,
    /// The draft.
    #[account(
        mut,
        seeds = [seeds::PROPOSAL, &proposal.number.to_le_bytes()],
        bump = proposal.bump,
        has_one = proposer @ GovernanceError::NotProposer
    )]
    pub proposal: Box<Account<'info, Proposal>>,
}

impl OpenVoting<'_> {
    /// Checks that the draft has an instruction, that OPEN is locked, and that the proposer has enough weight. Returns
    /// the slot.
    fn validate(&self) -> Result<u64> {
        let slot = Clock::get()?.slot;
        self.proposal.require_state(ProposalState::Draft)?;
        require!(self.proposal.instructions > 0, GovernanceError::NoInstructions);
        require!(self.stake_config.locked > 0, GovernanceError::NothingLocked);
        require_threshold(&self.config, &self.lock, self.proposer.key, slot)?;
        Ok(slot)
    }
}

/// Fixes the snapshot, the quorum and the windows of the proposal.
pub(crate) fn handler(ctx: Context<OpenVoting>) -> Result<()> {
    let slot = ctx.accounts.validate()?;
    let (parameters, proposal) = (&ctx.accounts.config.parameters, &mut ctx.accounts.proposal);
    proposal.state = ProposalState::Voting;
    proposal.snapshot_slot = slot;
    proposal.snapshot_locked = ctx.accounts.stake_config.locked;
    proposal.quorum = quorum(proposal.snapshot_locked, parameters.quorum_bps);
    proposal.voting_end_slot = add(slot, parameters.voting_slots)?;
    proposal.timelock_slots = parameters.timelock_slots;
    proposal.grace_slots = parameters.grace_slots;
    proposal.expiry_slot = add(proposal.voting_end_slot, parameters.grace_slots)?;
    let event = VotingOpened {
        proposal: proposal.key(),
        sequence: sequence::take(&mut proposal.sequence)?,
        snapshot_slot: slot,
        snapshot_locked: proposal.snapshot_locked,
        quorum: proposal.quorum,
        voting_end_slot: proposal.voting_end_slot,
    };
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
