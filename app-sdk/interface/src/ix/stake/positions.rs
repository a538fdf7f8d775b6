//! Instructions for the stake of operators and validators.

use crate::{ix::build::build, pda};
use ::stake::{ID, accounts, instruction, state::Role};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;
use solana_sdk_ids::system_program;

/// Bonds `amount` base units of `owner` in `role`.
pub fn deposit(owner: &Pubkey, open_mint: &Pubkey, role: Role, amount: u64) -> Instruction {
    let accounts = accounts::Deposit {
        owner: *owner,
        config: pda::stake_config(),
        position: pda::position(owner, role),
        owner_token: pda::token_account(owner, open_mint),
        vault: pda::stake_vault(),
        token_program: spl_token_interface::ID,
        system_program: system_program::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::Deposit { role, amount })
}

/// Begins to unbond `amount` base units. `committee_epoch` is that of the stake config.
pub fn request_unbond(owner: &Pubkey, committee_epoch: u64, role: Role, amount: u64) -> Instruction {
    let accounts = accounts::RequestUnbond {
        owner: *owner,
        config: pda::stake_config(),
        position: pda::position(owner, role),
        active_committee: pda::committee(committee_epoch),
        next_committee: pda::committee(committee_epoch + 1),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::RequestUnbond { role, amount })
}

/// Pays out all unbonded OPEN.
pub fn withdraw(owner: &Pubkey, open_mint: &Pubkey, role: Role) -> Instruction {
    let accounts = accounts::Withdraw {
        owner: *owner,
        config: pda::stake_config(),
        position: pda::position(owner, role),
        owner_token: pda::token_account(owner, open_mint),
        vault: pda::stake_vault(),
        token_program: spl_token_interface::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::Withdraw { role })
}
