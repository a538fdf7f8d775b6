//! `execute_instruction`: executes the next instruction of a proposal that passed. The authority signs it.

use crate::{
    error::GovernanceError,
    events::{EMITTER, InstructionExecuted},
    seeds,
    state::*,
};
use anchor_lang::{
    prelude::*,
    solana_program::{instruction::Instruction, program::invoke_signed},
};
use openledger_shared::sequence;

/// Accounts of `execute_instruction`. Remaining accounts: exactly those of the proposed instruction, in order.
#[event_cpi]
#[derive(Accounts)]
pub struct ExecuteInstruction<'info> {
    /// The config, which holds the authority's bump. It is read-only here, because the executed instruction may itself
    /// write it (`set_parameters`).
    #[account(seeds = [seeds::CONFIG], bump = config.bump)]
    pub config: Box<Account<'info, Config>>,
    /// The proposal.
    #[account(mut, seeds = [seeds::PROPOSAL, &proposal.number.to_le_bytes()], bump = proposal.bump)]
    pub proposal: Box<Account<'info, Proposal>>,
    /// The proposal's next instruction.
    #[account(seeds = [seeds::INSTRUCTION, proposal.key().as_ref(), &[proposal.executed]], bump = instruction.bump)]
    pub instruction: Box<Account<'info, ProposedInstruction>>,
    /// The program that the instruction calls.
    /// CHECK: the proposed instruction names it.
    #[account(address = instruction.program @ GovernanceError::WrongAccounts)]
    pub target: UncheckedAccount<'info>,
}

impl ExecuteInstruction<'_> {
    fn validate(&self, accounts: &[AccountInfo]) -> Result<()> {
        let slot = Clock::get()?.slot;
        self.proposal.require_state(ProposalState::Queued)?;
        require!(slot >= self.proposal.executable_slot, GovernanceError::TimelockNotOver);
        require!(slot < self.proposal.expiry_slot, GovernanceError::TooLate);
        let proposed = &self.instruction.accounts;
        require!(
            proposed.len() == accounts.len() && proposed.iter().zip(accounts).all(|(p, a)| p.address == *a.key),
            GovernanceError::WrongAccounts
        );
        Ok(())
    }
}

/// Calls the program with exactly the accounts and data that were voted on.
pub(crate) fn handler<'info>(ctx: Context<'info, ExecuteInstruction<'info>>) -> Result<()> {
    ctx.accounts.validate(ctx.remaining_accounts)?;
    let proposal = &mut ctx.accounts.proposal;
    let index = proposal.executed;
    // At most `instructions`, because no account of a later index exists.
    proposal.executed += 1;
    let last = proposal.executed == proposal.instructions;
    if last {
        proposal.state = ProposalState::Executed;
    }
    let event = InstructionExecuted {
        proposal: proposal.key(),
        sequence: sequence::take(&mut proposal.sequence)?,
        index,
        last,
    };
    // The runtime does not let a called program call back into this one, so nothing reads the proposal before it is
    // stored.
    let proposed = &ctx.accounts.instruction;
    let call = Instruction {
        program_id: proposed.program,
        accounts: proposed
            .accounts
            .iter()
            .map(|a| AccountMeta { pubkey: a.address, is_signer: a.signer, is_writable: a.writable })
            .collect(),
        data: proposed.data.clone(),
    };
    let mut infos = ctx.remaining_accounts.to_vec();
    infos.push(ctx.accounts.target.to_account_info());
    invoke_signed(&call, &infos, &[&[seeds::AUTHORITY, &[ctx.accounts.config.authority_bump]]])?;
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
