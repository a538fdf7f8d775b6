//! Instructions of the stake program.

use super::build;
use crate::pda;
use ::stake::{
    ID, accounts, instruction,
    instructions::{InitializeArgs, ProposeCommitteeArgs, RegisterOperatorArgs},
    state::Role,
};
use solana_instruction::{AccountMeta, Instruction};
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

/// Begins to unbond `amount`. `committee_epoch` is the stake config's.
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

/// Pays out what has unbonded.
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

/// Pays a lock that has ended back to `owner`, to its associated token account, which must exist. Anyone may send it.
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

/// Lets `delegate` vote with the lock of `owner`; its own address takes it back.
pub fn delegate_votes(owner: &Pubkey, delegate: &Pubkey) -> Instruction {
    let accounts = accounts::DelegateVotes {
        owner: *owner,
        lock: pda::lock(owner),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::DelegateVotes { delegate: *delegate })
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

/// Registers `owner` as an operator; `identity` signs too.
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

/// Each member's operator account and operator position, as the committee instructions check them.
fn member_accounts(members: &[Pubkey]) -> impl Iterator<Item = AccountMeta> + '_ {
    members.iter().flat_map(|m| {
        [
            AccountMeta::new_readonly(pda::operator(m), false),
            AccountMeta::new_readonly(pda::position(m, Role::Operator), false),
        ]
    })
}

/// Proposes the committee after `committee_epoch` (the stake config's) with its first members.
pub fn propose_committee(authority: &Pubkey, committee_epoch: u64, args: ProposeCommitteeArgs) -> Instruction {
    let accounts = accounts::ProposeCommittee {
        authority: *authority,
        config: pda::stake_config(),
        committee: pda::committee(committee_epoch + 1),
        system_program: system_program::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    let members = args.members.clone();
    let mut ix = build(ID, accounts, instruction::ProposeCommittee { args });
    ix.accounts.extend(member_accounts(&members));
    ix
}

/// Names further members of the committee after `committee_epoch`.
pub fn add_members(authority: &Pubkey, committee_epoch: u64, members: Vec<Pubkey>) -> Instruction {
    let accounts = accounts::AddMembers {
        authority: *authority,
        config: pda::stake_config(),
        committee: pda::committee(committee_epoch + 1),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    let mut ix = build(ID, accounts, instruction::AddMembers { members: members.clone() });
    ix.accounts.extend(member_accounts(&members));
    ix
}

/// Confirms the group key of the committee after `committee_epoch` as a member.
pub fn confirm_committee(member: &Pubkey, committee_epoch: u64, group_key: [u8; 32]) -> Instruction {
    let accounts = accounts::ConfirmCommittee {
        member: *member,
        config: pda::stake_config(),
        committee: pda::committee(committee_epoch + 1),
        previous_committee: (committee_epoch > 0).then(|| pda::committee(committee_epoch)),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::ConfirmCommittee { group_key })
}

/// Gives up the committee after `committee_epoch`.
pub fn abandon_committee(authority: &Pubkey, committee_epoch: u64) -> Instruction {
    let accounts = accounts::AbandonCommittee {
        authority: *authority,
        config: pda::stake_config(),
        committee: pda::committee(committee_epoch + 1),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::AbandonCommittee {})
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
