//! `add_instruction`: adds an instruction to a draft, exactly as it will be executed.

use crate::{
    error::GovernanceError,
    events::{EMITTER, InstructionProposed},
    instruction,
    rules::authority,
    seeds,
    state::*,
};
use anchor_lang::{Discriminator, prelude::*};
use openledger_shared::sequence;

/// Arguments of `add_instruction`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct AddInstructionArgs {
    /// The program to call.
    pub program: Pubkey,
    /// Its accounts in order.
    pub accounts: Vec<ProposedAccount>,
    /// Its data.
    pub data: Vec<u8>,
}

/// Accounts of `add_instruction`.
#[event_cpi]
#[derive(Accounts)]
#[instruction(args: AddInstructionArgs)]
pub struct AddInstruction<'info> {
    /// The proposer. It pays the rent.
    #[account(mut)]
    pub proposer: Signer<'info>,
    /// The config.
    #[account(seeds = [seeds::CONFIG], bump = config.bump)]
    pub config: Box<Account<'info, Config>>,
    /// The draft.
    #[account(
        mut,
        seeds = [seeds::PROPOSAL, &proposal.number.to_le_bytes()],
        bump = proposal.bump,
        has_one = proposer @ GovernanceError::NotProposer
    )]
    pub proposal: Box<Account<'info, Proposal>>,
    /// The instruction to make.
    #[account(
        init,
        payer = proposer,
        space = ProposedInstruction::space(args.accounts.len(), args.data.len()),
        seeds = [seeds::INSTRUCTION, proposal.key().as_ref(), &[proposal.instructions]],
        bump
    )]
    pub instruction: Box<Account<'info, ProposedInstruction>>,
    /// The system program.
    pub system_program: Program<'info, System>,
}

impl AddInstruction<'_> {
    fn validate(&self, args: &AddInstructionArgs) -> Result<()> {
        self.proposal.require_state(ProposalState::Draft)?;
        require!(self.proposal.instructions < MAX_INSTRUCTIONS, GovernanceError::TooManyInstructions);
        require!(
            args.accounts.len() <= MAX_ACCOUNTS && args.data.len() <= MAX_DATA,
            GovernanceError::InstructionTooLarge
        );
        let authority = authority(&self.config)?;
        require!(args.accounts.iter().all(|a| !a.signer || a.address == authority), GovernanceError::ForeignSigner);
        // All other instructions of governance change proposals and votes. A proposal may not do that.
        require!(
            args.program != crate::ID || replaces_guardian(args) || begins_with::<instruction::SetParameters>(args),
            GovernanceError::SelfCall
        );
        Ok(())
    }
}

fn begins_with<T: Discriminator>(args: &AddInstructionArgs) -> bool {
    args.data.starts_with(T::DISCRIMINATOR)
}

/// Whether the instruction does nothing but replace the guardian.
fn replaces_guardian(args: &AddInstructionArgs) -> bool {
    args.program == crate::ID && begins_with::<instruction::SetGuardian>(args)
}

/// Stores the instruction.
pub(crate) fn handler(ctx: Context<AddInstruction>, args: AddInstructionArgs) -> Result<()> {
    ctx.accounts.validate(&args)?;
    let proposal = &mut ctx.accounts.proposal;
    let index = proposal.instructions;
    // At most MAX_INSTRUCTIONS of each.
    proposal.instructions += 1;
    proposal.replaces_guardian += replaces_guardian(&args) as u8;
    let event = InstructionProposed {
        proposal: proposal.key(),
        sequence: sequence::take(&mut proposal.sequence)?,
        index,
        program: args.program,
        accounts: args.accounts.clone(),
        data: args.data.clone(),
    };
    ctx.accounts.instruction.set_inner(ProposedInstruction {
        version: Version::CURRENT,
        bump: ctx.bumps.instruction,
        proposal: event.proposal,
        index,
        program: args.program,
        accounts: args.accounts,
        data: args.data,
    });
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
