//! Configuration and its authority.

use crate::{ix::build::build, pda};
use ::stake::{
    ID, accounts, instruction,
    instructions::{InitializeArgs, Parameters},
};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;
use solana_sdk_ids::system_program;

/// Makes config and vaults; by the program's upgrade authority, once.
pub fn initialize(authority: &Pubkey, open_mint: &Pubkey, args: InitializeArgs) -> Instruction {
    let accounts = accounts::Initialize {
        authority: *authority,
        config: pda::stake_config(),
        open_mint: *open_mint,
        vault: pda::stake_vault(),
        insurance: pda::insurance_vault(),
        program_data: pda::program_data(&ID),
        token_program: spl_token_interface::ID,
        system_program: system_program::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::Initialize { args })
}

/// Changes the parameters.
pub fn set_parameters(authority: &Pubkey, parameters: Parameters) -> Instruction {
    let accounts = accounts::SetParameters {
        authority: *authority,
        config: pda::stake_config(),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::SetParameters { parameters })
}

/// Refuses everything that moves tokens until `until_slot`; a past slot ends a pause.
pub fn pause(authority: &Pubkey, until_slot: u64) -> Instruction {
    let accounts = accounts::Pause {
        authority: *authority,
        config: pda::stake_config(),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::Pause { until_slot })
}

/// Names who may take the authority over.
pub fn propose_authority(authority: &Pubkey, new: &Pubkey) -> Instruction {
    let accounts = accounts::ProposeAuthority {
        authority: *authority,
        config: pda::stake_config(),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::ProposeAuthority { new: *new })
}

/// Takes the authority over.
pub fn accept_authority(new_authority: &Pubkey) -> Instruction {
    let accounts = accounts::AcceptAuthority {
        new_authority: *new_authority,
        config: pda::stake_config(),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::AcceptAuthority {})
}

/// Pays `amount` base units out of the insurance vault to the token account `to`.
pub fn pay_insurance(authority: &Pubkey, to: &Pubkey, amount: u64) -> Instruction {
    let accounts = accounts::PayInsurance {
        authority: *authority,
        config: pda::stake_config(),
        insurance: pda::insurance_vault(),
        to: *to,
        token_program: spl_token_interface::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::PayInsurance { amount })
}
