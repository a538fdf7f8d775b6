//! Instructions for committees.

use crate::{ix::build::build, pda};
use ::stake::{
    ID, accounts, instruction,
    instructions::{ProposeCommitteeArgs, ProposeNextCommitteeArgs},
    state::Role,
};
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;
use solana_sdk_ids::{system_program, sysvar};

/// The operator account and operator position of each member, in the order in which the committee instructions check
/// them.
fn member_accounts(members: &[Pubkey]) -> impl Iterator<Item = AccountMeta> + '_ {
    members.iter().flat_map(|m| {
        [
            AccountMeta::new_readonly(pda::operator(m), false),
            AccountMeta::new_readonly(pda::position(m, Role::Operator), false),
        ]
    })
}

/// Proposes the committee after `committee_epoch` with its first members. `committee_epoch` is that of the stake
/// config.
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
pub fn add_members(authority: &Pubkey, committee_epoch: u64, members: &[Pubkey]) -> Instruction {
    let accounts = accounts::AddMembers {
        authority: *authority,
        config: pda::stake_config(),
        committee: pda::committee(committee_epoch + 1),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    let mut ix = build(ID, accounts, instruction::AddMembers { members: members.to_vec() });
    ix.accounts.extend(member_accounts(members));
    ix
}

/// Confirms the group key of the committee after `committee_epoch`, as a member.
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

/// Abandons the committee after `committee_epoch`. `payer` paid its rent.
pub fn abandon_committee(authority: &Pubkey, committee_epoch: u64, payer: &Pubkey) -> Instruction {
    let accounts = accounts::AbandonCommittee {
        authority: *authority,
        config: pda::stake_config(),
        committee: pda::committee(committee_epoch + 1),
        payer: *payer,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::AbandonCommittee {})
}

/// Proposes the committee after `committee_epoch`, as the committee of `committee_epoch` has attested it. The
/// attestation must stand directly before.
pub fn propose_next_committee(payer: &Pubkey, committee_epoch: u64, args: ProposeNextCommitteeArgs) -> Instruction {
    let accounts = accounts::ProposeNextCommittee {
        payer: *payer,
        config: pda::stake_config(),
        active_committee: pda::committee(committee_epoch),
        committee: pda::committee(committee_epoch + 1),
        instructions: sysvar::instructions::ID,
        system_program: system_program::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::ProposeNextCommittee { args })
}

/// Seats the next `members` of the attested roster. `rest` is the hash of the members behind them.
pub fn seat_members(committee_epoch: u64, members: &[Pubkey], rest: [u8; 32]) -> Instruction {
    let accounts = accounts::SeatMembers {
        config: pda::stake_config(),
        committee: pda::committee(committee_epoch + 1),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    let mut ix = build(ID, accounts, instruction::SeatMembers { members: members.to_vec(), rest });
    ix.accounts.extend(member_accounts(members));
    ix
}

/// Abandons the committee after `committee_epoch` once its deadline is over. `payer` paid its rent.
pub fn expire_committee(committee_epoch: u64, payer: &Pubkey) -> Instruction {
    let accounts = accounts::ExpireCommittee {
        config: pda::stake_config(),
        committee: pda::committee(committee_epoch + 1),
        payer: *payer,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::ExpireCommittee {})
}
