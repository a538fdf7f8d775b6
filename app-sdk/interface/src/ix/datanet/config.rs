//! Instructions for the configuration and its authority.

use crate::{
    ix::{authority::authority, build::build},
    pda,
};
use ::datanet::{ID, accounts, instruction, instructions::InitializeArgs};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;
use solana_sdk_ids::system_program;

/// Makes the config and the bond vault. Only the program's upgrade authority can, once.
pub fn initialize(authority: &Pubkey, open_mint: &Pubkey, args: InitializeArgs) -> Instruction {
    let accounts = accounts::Initialize {
        authority: *authority,
        program_data: pda::program_data(&ID),
        config: pda::datanet_config(),
        stake_config: pda::stake_config(),
        open_mint: *open_mint,
        bond_vault: pda::bond_vault(),
        forfeit_to: pda::insurance_vault(),
        token_program: spl_token_interface::ID,
        system_program: system_program::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::Initialize { args })
}

/// Changes the windows of batches that are submitted from now on.
pub fn set_windows(authority: &Pubkey, args: InitializeArgs) -> Instruction {
    let accounts = accounts::SetWindows {
        authority: *authority,
        config: pda::datanet_config(),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::SetWindows { args })
}

authority!(pda::datanet_config());
