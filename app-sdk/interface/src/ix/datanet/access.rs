//! Instructions for access to permissioned Datanets.

use crate::{ix::build::build, pda};
use ::datanet::{ID, accounts, instruction};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;
use solana_sdk_ids::system_program;

/// Asks for access to a permissioned Datanet.
pub fn request_access(grantee: &Pubkey, datanet: &Pubkey, purpose: String) -> Instruction {
    let accounts = accounts::RequestAccess {
        config: pda::datanet_config(),
        grantee: *grantee,
        datanet: *datanet,
        grant: pda::grant(datanet, grantee),
        system_program: system_program::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::RequestAccess { purpose })
}

/// Gives or extends access up to and including `expiry_slot`.
pub fn grant_access(owner: &Pubkey, datanet: &Pubkey, grantee: &Pubkey, expiry_slot: u64) -> Instruction {
    let accounts = accounts::GrantAccess {
        config: pda::datanet_config(),
        owner: *owner,
        datanet: *datanet,
        grant: pda::grant(datanet, grantee),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::GrantAccess { expiry_slot })
}

/// Takes access back or refuses it.
pub fn revoke_access(owner: &Pubkey, datanet: &Pubkey, grantee: &Pubkey) -> Instruction {
    let accounts = accounts::RevokeAccess {
        owner: *owner,
        datanet: *datanet,
        grant: pda::grant(datanet, grantee),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::RevokeAccess {})
}

/// Records that `job` reads a permissioned Datanet.
pub fn record_use(grantee: &Pubkey, datanet: &Pubkey, job: &Pubkey) -> Instruction {
    let accounts = accounts::RecordUse {
        grantee: *grantee,
        datanet: *datanet,
        grant: pda::grant(datanet, grantee),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::RecordUse { job: *job })
}
