//! Instructions for operators' pools and the delegations to them.

use crate::{ix::build::build, pda};
use ::stake::{ID, accounts, instruction, state::Role};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;
use solana_sdk_ids::system_program;

/// Opens the pool of the operator `owner`, which keeps `commission_bps` basis points of the rewards.
pub fn open_pool(owner: &Pubkey, open_mint: &Pubkey, commission_bps: u16) -> Instruction {
    let accounts = accounts::OpenPool {
        owner: *owner,
        config: pda::stake_config(),
        operator: pda::operator(owner),
        position: pda::position(owner, Role::Operator),
        pool: pda::stake_pool(owner),
        open_mint: *open_mint,
        reward_vault: pda::reward_vault(owner),
        token_program: spl_token_interface::ID,
        system_program: system_program::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::OpenPool { commission_bps })
}

/// Sets the commission of the operator `owner`, in basis points.
pub fn set_commission(owner: &Pubkey, commission_bps: u16) -> Instruction {
    let accounts = accounts::SetCommission {
        owner: *owner,
        config: pda::stake_config(),
        pool: pda::stake_pool(owner),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::SetCommission { commission_bps })
}

/// Delegates `amount` base units of `owner` to `operator`.
pub fn delegate(owner: &Pubkey, open_mint: &Pubkey, operator: &Pubkey, amount: u64) -> Instruction {
    let accounts = accounts::Delegate {
        owner: *owner,
        config: pda::stake_config(),
        pool: pda::stake_pool(operator),
        position: pda::position(operator, Role::Operator),
        delegation: pda::delegation(operator, owner),
        owner_token: pda::token_account(owner, open_mint),
        vault: pda::stake_vault(),
        reward_vault: pda::reward_vault(operator),
        token_program: spl_token_interface::ID,
        system_program: system_program::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::Delegate { amount })
}

/// Begins to unbond `shares` of what `owner` has delegated to `operator`.
pub fn undelegate(owner: &Pubkey, operator: &Pubkey, shares: u128) -> Instruction {
    let accounts = accounts::Undelegate {
        owner: *owner,
        config: pda::stake_config(),
        pool: pda::stake_pool(operator),
        delegation: pda::delegation(operator, owner),
        reward_vault: pda::reward_vault(operator),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::Undelegate { shares })
}

/// Pays out what `owner` has undelegated from `operator`.
pub fn withdraw_delegation(owner: &Pubkey, open_mint: &Pubkey, operator: &Pubkey) -> Instruction {
    let accounts = accounts::WithdrawDelegation {
        owner: *owner,
        config: pda::stake_config(),
        pool: pda::stake_pool(operator),
        delegation: pda::delegation(operator, owner),
        owner_token: pda::token_account(owner, open_mint),
        vault: pda::stake_vault(),
        token_program: spl_token_interface::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::WithdrawDelegation {})
}

/// Divides the rewards of `operator`'s pool and pays its commission.
pub fn harvest(open_mint: &Pubkey, operator: &Pubkey) -> Instruction {
    let accounts = accounts::Harvest {
        config: pda::stake_config(),
        pool: pda::stake_pool(operator),
        reward_vault: pda::reward_vault(operator),
        operator_token: pda::token_account(operator, open_mint),
        token_program: spl_token_interface::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::Harvest {})
}

/// Pays `owner` what its delegation to `operator` has earned.
pub fn claim_delegation_rewards(owner: &Pubkey, open_mint: &Pubkey, operator: &Pubkey) -> Instruction {
    let accounts = accounts::ClaimDelegationRewards {
        owner: *owner,
        config: pda::stake_config(),
        pool: pda::stake_pool(operator),
        delegation: pda::delegation(operator, owner),
        reward_vault: pda::reward_vault(operator),
        owner_token: pda::token_account(owner, open_mint),
        token_program: spl_token_interface::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::ClaimDelegationRewards {})
}
