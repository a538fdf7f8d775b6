//! Instructions for the configuration and its authority.

use crate::{
    ix::{authority::authority, build::build},
    pda,
};
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

authority!(pda::stake_config());

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
