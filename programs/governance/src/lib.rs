//! OpenLedger governance program. Holders vote on instructions with OPEN that is locked in the stake program. The
//! program's authority signs the instructions once a proposal has passed and its timelock is over.
//!
//! The program holds no tokens and no state but its own. Its power is what the other programs let their authority do. A
//! guardian may veto a proposal or pause a program for a time. It can neither change a parameter nor spend tokens.

use anchor_lang::prelude::*;

pub mod error;
pub mod events;
pub mod instructions;
pub mod rules;
pub mod seeds;
pub mod state;

use instructions::*;
use state::{Choice, Parameters};

declare_id!("GUp4MdhQ1wvtWWmCBKQ6pLJug6dvhDx2CJ93XMoqswBg");

#[cfg(not(feature = "no-entrypoint"))]
solana_security_txt::security_txt! {
    name: "OpenLedger governance",
    project_url: "https://github.com/openledger/openledger-solana",
    contacts: "link:https://github.com/openledger/openledger-solana/security/advisories/new",
    policy: "https://github.com/openledger/openledger-solana/blob/main/docs/SECURITY.md",
    source_code: "https://github.com/openledger/openledger-solana"
}

/// Instructions of the governance program.
#[program]
pub mod governance {
    use super::*;

    /// Makes the config. The program's upgrade authority sends it, once.
    pub fn initialize(ctx: Context<Initialize>, args: InitializeArgs) -> Result<()> {
        instructions::initialize::handler(ctx, args)
    }

    /// Makes the draft of a proposal. The hash and the URI name its description.
    pub fn create_proposal(
        ctx: Context<CreateProposal>,
        description_hash: [u8; 32],
        description_uri: String,
    ) -> Result<()> {
        instructions::create_proposal::handler(ctx, description_hash, description_uri)
    }

    /// Adds an instruction to a draft.
    pub fn add_instruction(ctx: Context<AddInstruction>, args: AddInstructionArgs) -> Result<()> {
        instructions::add_instruction::handler(ctx, args)
    }

    /// Makes the draft final, opens the vote and fixes the snapshot.
    pub fn open_voting(ctx: Context<OpenVoting>) -> Result<()> {
        instructions::open_voting::handler(ctx)
    }

    /// Votes with a lock, once.
    pub fn cast_vote(ctx: Context<CastVote>, choice: Choice) -> Result<()> {
        instructions::cast_vote::handler(ctx, choice)
    }

    /// Closes a vote's account once voting is over and returns its rent. Anyone may send it.
    pub fn close_vote(ctx: Context<CloseVote>) -> Result<()> {
        instructions::close_vote::handler(ctx)
    }

    /// Counts the votes. A proposal that passed waits for its timelock; any other is defeated. Anyone may send it.
    pub fn queue(ctx: Context<Queue>) -> Result<()> {
        instructions::queue::handler(ctx)
    }

    /// Executes the next instruction of a proposal whose timelock is over. Anyone may send it.
    pub fn execute_instruction<'info>(ctx: Context<'info, ExecuteInstruction<'info>>) -> Result<()> {
        instructions::execute_instruction::handler(ctx)
    }

    /// Ends a proposal that was not queued or executed in time. Anyone may send it.
    pub fn expire(ctx: Context<Expire>) -> Result<()> {
        instructions::expire::handler(ctx)
    }

    /// Withdraws a proposal before its vote is over. Only its proposer.
    pub fn cancel(ctx: Context<Cancel>) -> Result<()> {
        instructions::cancel::handler(ctx)
    }

    /// Ends a proposal. Only the guardian.
    pub fn veto(ctx: Context<Veto>) -> Result<()> {
        instructions::veto::handler(ctx)
    }

    /// Closes a proposed instruction's account once the proposal is over and returns its rent. Anyone may send it.
    pub fn close_instruction(ctx: Context<CloseInstruction>) -> Result<()> {
        instructions::close_instruction::handler(ctx)
    }

    /// Pauses one of the four other programs, or ends the guardian's own pause. Only the guardian.
    pub fn guardian_pause(ctx: Context<GuardianPause>, until_slot: u64) -> Result<()> {
        instructions::guardian_pause::handler(ctx, until_slot)
    }

    /// Sets the parameters of votes that begin from now on. Only a proposal.
    pub fn set_parameters(ctx: Context<SetParameters>, parameters: Parameters) -> Result<()> {
        instructions::set_parameters::handler(ctx, parameters)
    }

    /// Replaces the guardian. Only a proposal.
    pub fn set_guardian(ctx: Context<SetGuardian>, guardian: Pubkey) -> Result<()> {
        instructions::set_guardian::handler(ctx, guardian)
    }

    /// Returns (as return data) the weight of a lock in the present slot.
    pub fn voting_weight(ctx: Context<VotingWeight>) -> Result<u64> {
        instructions::voting_weight::handler(ctx)
    }
}
