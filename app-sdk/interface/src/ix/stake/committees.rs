//! Committees.

use crate::{ix::build::build, pda};
use ::stake::{
    ID, accounts, instruction,
    instructions::{ProposeCommitteeArgs, ProposeNextCommitteeArgs},
    state::Role,
};
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;
use solana_sdk_ids::{system_program, sysvar};

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

/// Gives up the committee after `committee_epoch`, whose rent `payer` has paid.
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

/// Proposes the committee after `committee_epoch` as that one has attested. The attestation stands directly before.
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

/// Seats the next `members` of the roster that was attested; `rest` is the roster of those behind them.
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

/// Gives up the committee after `committee_epoch`, whose rent `payer` has paid, after its deadline.
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
