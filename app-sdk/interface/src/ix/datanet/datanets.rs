//! Instructions for Datanets and their owners.

use crate::{ix::build::build, pda};
use ::datanet::{
    ID, accounts, instruction,
    instructions::{ConfigureArgs, CreateDatanetArgs, VerifyContributionArgs},
};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;
use solana_sdk_ids::system_program;

/// Makes a Datanet. Its address is `pda::datanet(creator, args.id)`.
pub fn create_datanet(creator: &Pubkey, args: CreateDatanetArgs) -> Instruction {
    let accounts = accounts::CreateDatanet {
        config: pda::datanet_config(),
        creator: *creator,
        datanet: pda::datanet(creator, args.id),
        system_program: system_program::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::CreateDatanet { args })
}

/// Changes a Datanet's description, least bond, panel size and quorum, for batches that are opened from now on.
pub fn configure(owner: &Pubkey, datanet: &Pubkey, args: ConfigureArgs) -> Instruction {
    let accounts = accounts::Configure {
        owner: *owner,
        config: pda::datanet_config(),
        datanet: *datanet,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::Configure { args })
}

/// Stops or resumes the opening of batches.
pub fn set_paused(owner: &Pubkey, datanet: &Pubkey, paused: bool) -> Instruction {
    let accounts = accounts::SetPaused {
        config: pda::datanet_config(),
        owner: *owner,
        datanet: *datanet,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::SetPaused { paused })
}

/// Names the wallet that may take over a Datanet.
pub fn propose_owner(owner: &Pubkey, datanet: &Pubkey, new: &Pubkey) -> Instruction {
    let accounts = accounts::ProposeOwner {
        owner: *owner,
        datanet: *datanet,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::ProposeOwner { new: *new })
}

/// Takes over a Datanet, as the wallet that was named.
pub fn accept_owner(new_owner: &Pubkey, datanet: &Pubkey) -> Instruction {
    let accounts = accounts::AcceptOwner {
        new_owner: *new_owner,
        datanet: *datanet,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::AcceptOwner {})
}

/// Succeeds if a contribution is in the Datanet's present root.
pub fn verify_contribution(datanet: &Pubkey, args: VerifyContributionArgs) -> Instruction {
    build(ID, accounts::VerifyContribution { datanet: *datanet }, instruction::VerifyContribution { args })
}
