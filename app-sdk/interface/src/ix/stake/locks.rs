//! Instructions for vote locks.

use crate::{ix::build::build, pda};
use ::stake::{ID, accounts, instruction};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;
use solana_sdk_ids::system_program;

/// Locks `amount` base units of `owner` until `end_slot` for weight in governance.
pub fn lock_votes(owner: &Pubkey, open_mint: &Pubkey, amount: u64, end_slot: u64) -> Instruction {
    let accounts = accounts::LockVotes {
        owner: *owner,
        config: pda::stake_config(),
        lock: pda::lock(owner),
        owner_token: pda::token_account(owner, open_mint),
        vault: pda::stake_vault(),
        token_program: spl_token_interface::ID,
        system_program: system_program::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::LockVotes { amount, end_slot })
}

/// Adds `amount` base units to the lock of `owner`.
pub fn add_to_lock(owner: &Pubkey, open_mint: &Pubkey, amount: u64) -> Instruction {
    let accounts = accounts::AddToLock {
        owner: *owner,
        config: pda::stake_config(),
        lock: pda::lock(owner),
        owner_token: pda::token_account(owner, open_mint),
        vault: pda::stake_vault(),
        token_program: spl_token_interface::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::AddToLock { amount })
}

/// Moves the end of the lock of `owner` to a later slot.
pub fn extend_lock(owner: &Pubkey, end_slot: u64) -> Instruction {
    let accounts = accounts::ExtendLock {
        owner: *owner,
        config: pda::stake_config(),
        lock: pda::lock(owner),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::ExtendLock { end_slot })
}

/// Pays a lock that has ended back to the associated token account of `owner`, which must exist. Anyone may send it.
pub fn unlock_votes(owner: &Pubkey, open_mint: &Pubkey) -> Instruction {
    let accounts = accounts::UnlockVotes {
        config: pda::stake_config(),
        lock: pda::lock(owner),
        owner_token: pda::token_account(owner, open_mint),
        vault: pda::stake_vault(),
        token_program: spl_token_interface::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::UnlockVotes {})
}

/// Lets `delegate` vote with the lock of `owner`. Delegating to `owner` itself takes the votes back.
pub fn delegate_votes(owner: &Pubkey, delegate: &Pubkey) -> Instruction {
    let accounts = accounts::DelegateVotes {
        owner: *owner,
        lock: pda::lock(owner),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::DelegateVotes { delegate: *delegate })
}
