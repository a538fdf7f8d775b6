//! Instructions for operators.

use crate::{ix::build::build, pda};
use ::stake::{ID, accounts, instruction, instructions::RegisterOperatorArgs, state::Role};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;
use solana_sdk_ids::system_program;

/// Registers `owner` as an operator. Its `identity` key must sign too.
pub fn register_operator(owner: &Pubkey, identity: &Pubkey, args: RegisterOperatorArgs) -> Instruction {
    let accounts = accounts::RegisterOperator {
        owner: *owner,
        identity: *identity,
        config: pda::stake_config(),
        position: pda::position(owner, Role::Operator),
        operator: pda::operator(owner),
        system_program: system_program::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::RegisterOperator { args })
}

/// Changes an operator's endpoint and capabilities.
pub fn update_operator(owner: &Pubkey, endpoint: String, capabilities: u32) -> Instruction {
    let accounts = accounts::UpdateOperator {
        owner: *owner,
        operator: pda::operator(owner),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::UpdateOperator { endpoint, capabilities })
}
