//! Instructions of the governance program.

use super::build::build;
use crate::pda;
use ::governance::{
    ID, accounts, instruction,
    instructions::{AddInstructionArgs, InitializeArgs},
    state::{Choice, Parameters, ProposedAccount},
};
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;
use solana_sdk_ids::system_program;

/// Makes the config. Only the program's upgrade authority can, once.
pub fn initialize(authority: &Pubkey, args: InitializeArgs) -> Instruction {
    let accounts = accounts::Initialize {
        authority: *authority,
        config: pda::governance_config(),
        governance_authority: pda::governance_authority(),
        program_data: pda::program_data(&ID),
        system_program: system_program::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::Initialize { args })
}

/// Drafts proposal `number`, which must be the config's `proposals`. `lock_owner` owns the lock that the proposer votes
/// with. It is the proposer itself or a wallet that delegated its votes to the proposer.
pub fn create_proposal(
    proposer: &Pubkey,
    lock_owner: &Pubkey,
    number: u64,
    description_hash: [u8; 32],
    description_uri: String,
) -> Instruction {
    let accounts = accounts::CreateProposal {
        proposer: *proposer,
        config: pda::governance_config(),
        lock: pda::lock(lock_owner),
        proposal: pda::proposal(number),
        system_program: system_program::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::CreateProposal { description_hash, description_uri })
}

/// Adds `call` as instruction `index` of a draft. If the governance authority is to sign, `call` must mark it as a
/// signer.
pub fn add_instruction(proposer: &Pubkey, proposal: &Pubkey, index: u8, call: &Instruction) -> Instruction {
    let accounts = accounts::AddInstruction {
        proposer: *proposer,
        config: pda::governance_config(),
        proposal: *proposal,
        instruction: pda::proposed_instruction(proposal, index),
        system_program: system_program::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    let account = |a: &AccountMeta| ProposedAccount { address: a.pubkey, signer: a.is_signer, writable: a.is_writable };
    let args = AddInstructionArgs {
        program: call.program_id,
        accounts: call.accounts.iter().map(account).collect(),
        data: call.data.clone(),
    };
    build(ID, accounts, instruction::AddInstruction { args })
}

/// Ends the draft and opens the vote. `lock_owner` is as for [`create_proposal`].
pub fn open_voting(proposer: &Pubkey, lock_owner: &Pubkey, proposal: &Pubkey) -> Instruction {
    let accounts = accounts::OpenVoting {
        proposer: *proposer,
        config: pda::governance_config(),
        stake_config: pda::stake_config(),
        lock: pda::lock(lock_owner),
        proposal: *proposal,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::OpenVoting {})
}

/// Votes with the lock of `lock_owner`. `voter` is its delegate or the owner.
pub fn cast_vote(voter: &Pubkey, lock_owner: &Pubkey, proposal: &Pubkey, choice: Choice) -> Instruction {
    let lock = pda::lock(lock_owner);
    let accounts = accounts::CastVote {
        voter: *voter,
        proposal: *proposal,
        lock,
        vote: pda::vote(proposal, &lock),
        system_program: system_program::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::CastVote { choice })
}

/// Returns the rent of the vote that `voter` cast with the lock of `lock_owner`, once the vote is over.
pub fn close_vote(voter: &Pubkey, lock_owner: &Pubkey, proposal: &Pubkey) -> Instruction {
    let accounts = accounts::CloseVote {
        voter: *voter,
        proposal: *proposal,
        vote: pda::vote(proposal, &pda::lock(lock_owner)),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::CloseVote {})
}

/// Counts the votes. A proposal that passed is queued for its timelock, and another is defeated.
pub fn queue(proposal: &Pubkey) -> Instruction {
    let accounts = accounts::Queue { proposal: *proposal, event_authority: pda::event_authority(&ID), program: ID };
    build(ID, accounts, instruction::Queue {})
}

/// Executes `call`, which is instruction `index` of a proposal whose timelock is over.
pub fn execute_instruction(proposal: &Pubkey, index: u8, call: &Instruction) -> Instruction {
    let accounts = accounts::ExecuteInstruction {
        config: pda::governance_config(),
        proposal: *proposal,
        instruction: pda::proposed_instruction(proposal, index),
        target: call.program_id,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    let mut ix = build(ID, accounts, instruction::ExecuteInstruction {});
    // The governance program signs for its authority, so no account signs the outer instruction.
    ix.accounts.extend(call.accounts.iter().map(|a| AccountMeta { is_signer: false, ..a.clone() }));
    ix
}

/// Ends a proposal that was not queued or executed in time.
pub fn expire(proposal: &Pubkey) -> Instruction {
    let accounts = accounts::Expire { proposal: *proposal, event_authority: pda::event_authority(&ID), program: ID };
    build(ID, accounts, instruction::Expire {})
}

/// Withdraws a proposal before its vote is over.
pub fn cancel(proposer: &Pubkey, proposal: &Pubkey) -> Instruction {
    let accounts = accounts::Cancel {
        proposer: *proposer,
        proposal: *proposal,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::Cancel {})
}

/// Stops a proposal, as the guardian.
pub fn veto(guardian: &Pubkey, proposal: &Pubkey) -> Instruction {
    let accounts = accounts::Veto {
        guardian: *guardian,
        config: pda::governance_config(),
        proposal: *proposal,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::Veto {})
}

/// Returns the rent of instruction `index` to the proposer, once the proposal is over.
pub fn close_instruction(proposer: &Pubkey, proposal: &Pubkey, index: u8) -> Instruction {
    let accounts = accounts::CloseInstruction {
        proposer: *proposer,
        proposal: *proposal,
        instruction: pda::proposed_instruction(proposal, index),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::CloseInstruction {})
}

/// Pauses the program `target` (stake, datanet, model or payout), whose config is `target_config`, until a slot. A past
/// slot ends the guardian's own pause.
pub fn guardian_pause(guardian: &Pubkey, target: &Pubkey, target_config: &Pubkey, until_slot: u64) -> Instruction {
    let accounts = accounts::GuardianPause {
        guardian: *guardian,
        config: pda::governance_config(),
        governance_authority: pda::governance_authority(),
        target: *target,
        target_config: *target_config,
        target_event_authority: pda::event_authority(target),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::GuardianPause { until_slot })
}

/// Sets the parameters by which proposals are decided. The authority must sign, so it is only possible as a proposed
/// instruction.
pub fn set_parameters(parameters: Parameters) -> Instruction {
    let accounts = accounts::SetParameters {
        governance_authority: pda::governance_authority(),
        config: pda::governance_config(),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::SetParameters { parameters })
}

/// Names another guardian. The authority must sign, so it is only possible as a proposed instruction.
pub fn set_guardian(guardian: &Pubkey) -> Instruction {
    let accounts = accounts::SetGuardian {
        governance_authority: pda::governance_authority(),
        config: pda::governance_config(),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::SetGuardian { guardian: *guardian })
}

/// Returns the weight of the lock of `owner` in votes that begin now. The weight is in the return data.
pub fn voting_weight(owner: &Pubkey) -> Instruction {
    build(ID, accounts::VotingWeight { lock: pda::lock(owner) }, instruction::VotingWeight {})
}
