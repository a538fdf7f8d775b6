//! `close_instruction`: closes a proposed instruction's account once the proposal is over, and returns its rent to the
//! proposer.

use crate::{
    error::GovernanceError,
    events::{EMITTER, InstructionClosed},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use openledger_shared::sequence;

/// Accounts of `close_instruction`.
#[event_cpi]
#[derive(Accounts)]
pub struct CloseInstruction<'info> {
    /// The proposer. It receives the rent.
    /// CHECK: the proposal names it.
    #[account(mut)]
    pub proposer: UncheckedAccount<'info>,
    /// The proposal.
    #[account(
        mut,
        seeds = [seeds::PROPOSAL, &proposal.number.to_le_bytes()],
        bump = proposal.bump,
        has_one = proposer @ GovernanceError::NotProposer
    )]
    pub proposal: Box<Account<'info, Proposal>>,
    /// The instruction.
    #[account(
        mut,
        seeds = [seeds::INSTRUCTION, proposal.key().as_ref(), &[instruction.index]],
        bump = instruction.bump,
        close = proposer
    )]
    pub instruction: Box<Account<'info, ProposedInstruction>>,
}

impl CloseInstruction<'_> {
    fn validate(&self) -> Result<()> {
        require!(self.proposal.state.is_over(), GovernanceError::WrongState);
        Ok(())
    }
}

/// Closes the account.
pub(crate) fn handler(ctx: Context<CloseInstruction>) -> Result<()> {
    ctx.accounts.validate()?;
    let proposal = &mut ctx.accounts.proposal;
    let event = InstructionClosed {
        proposal: proposal.key(),
        sequence: sequence::take(&mut proposal.sequence)?,
        index: ctx.accounts.instruction.index,
    };
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
