//! Instructions for the configuration and its authority, for shards and for dust.

use crate::{
    ix::{authority::authority, build::build},
    pda,
};
use ::payout::{ID, accounts, instruction, instructions::InitializeArgs, parameters::Parameters, state::FeeShares};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;
use solana_sdk_ids::system_program;

/// Makes the config. Only the program's upgrade authority can, once. `treasury` is a token account of OPEN.
pub fn initialize(authority: &Pubkey, open_mint: &Pubkey, treasury: &Pubkey, args: InitializeArgs) -> Instruction {
    let accounts = accounts::Initialize {
        authority: *authority,
        config: pda::payout_config(),
        open_mint: *open_mint,
        treasury: *treasury,
        stake_config: pda::stake_config(),
        program_data: pda::program_data(&ID),
        system_program: system_program::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::Initialize { args })
}

/// Makes shard `index`, which must be the config's `shards`.
pub fn create_shard(authority: &Pubkey, open_mint: &Pubkey, index: u8) -> Instruction {
    let accounts = accounts::CreateShard {
        authority: *authority,
        config: pda::payout_config(),
        shard: pda::shard(index),
        vault: pda::vault(index),
        open_mint: *open_mint,
        token_program: spl_token_interface::ID,
        system_program: system_program::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::CreateShard { index })
}

/// Sets the parameters other than the fees.
pub fn set_parameters(authority: &Pubkey, parameters: Parameters) -> Instruction {
    let accounts = accounts::SetParameters {
        authority: *authority,
        config: pda::payout_config(),
        stake_config: pda::stake_config(),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::SetParameters { parameters })
}

/// Sets the fee shares that apply from the next epoch on.
pub fn set_fees(authority: &Pubkey, next: FeeShares) -> Instruction {
    let accounts = accounts::SetFees {
        authority: *authority,
        config: pda::payout_config(),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::SetFees { next })
}

authority!(pda::payout_config());

/// Sends the dust in `vault` to the `treasury`: what the vault holds beyond the sum that its `holder` counts. `holder`
/// is a shard or a prepaid balance.
pub fn sweep_dust(holder: &Pubkey, vault: &Pubkey, treasury: &Pubkey) -> Instruction {
    let accounts = accounts::SweepDust {
        config: pda::payout_config(),
        holder: *holder,
        vault: *vault,
        treasury: *treasury,
        token_program: spl_token_interface::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::SweepDust {})
}
