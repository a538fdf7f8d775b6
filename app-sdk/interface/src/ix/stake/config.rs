//! Instructions for the configuration and its authority.

use crate::{ix::build::build, pda};
use ::stake::{
    ID, accounts, instruction,
    instructions::{InitializeArgs, Parameters},
};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;
use solana_sdk_ids::system_program;

/// Makes the config and the vaults. Only the program's upgrade authority can, once.
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

/// Pauses everything that moves tokens until `until_slot`. A past slot ends a pause.
pub fn pause(authority: &Pubkey, until_slot: u64) -> Instruction {
    let accounts = accounts::Pause {
        authority: *authority,
        config: pda::stake_config(),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::Pause { until_slot })
}

/// Names the wallet that may take over the authority.
pub fn propose_authority(authority: &Pubkey, new: &Pubkey) -> Instruction {
    let accounts = accounts::ProposeAuthority {
        authority: *authority,
        config: pda::stake_config(),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::ProposeAuthority { new: *new })
}

/// Takes over the authority, as the wallet that was named.
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
