//! Instructions of the datanet program.

use super::build;
use crate::pda;
use ::datanet::{
    ID, accounts, instruction,
    instructions::{ConfigureArgs, ContributeBulkArgs, CreateDatanetArgs, InitializeArgs, VerifyContributionArgs},
};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;
use solana_sdk_ids::{system_program, sysvar::slot_hashes};
use stake::state::Role;

/// Most leaves of one `contribute` that fit in a transaction of 1,232 bytes which has no other instruction.
pub const LEAVES_PER_TRANSACTION: usize = 30;

/// Makes config and bond vault; by the program's upgrade authority, once.
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

/// Changes the windows of later batches.
pub fn set_windows(authority: &Pubkey, args: InitializeArgs) -> Instruction {
    let accounts = accounts::SetWindows {
        authority: *authority,
        config: pda::datanet_config(),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::SetWindows { args })
}

/// Pauses the program until a slot, at most about a week ahead; a past slot ends a pause.
pub fn pause(authority: &Pubkey, until_slot: u64) -> Instruction {
    let accounts = accounts::Pause {
        authority: *authority,
        config: pda::datanet_config(),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::Pause { until_slot })
}

/// Names who may take the config over.
pub fn propose_authority(authority: &Pubkey, new: &Pubkey) -> Instruction {
    let accounts = accounts::ProposeAuthority {
        authority: *authority,
        config: pda::datanet_config(),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::ProposeAuthority { new: *new })
}

/// Takes the config over.
pub fn accept_authority(new_authority: &Pubkey) -> Instruction {
    let accounts = accounts::AcceptAuthority {
        new_authority: *new_authority,
        config: pda::datanet_config(),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::AcceptAuthority {})
}

/// Makes a Datanet; its address is `pda::datanet(creator, args.id)`.
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

/// Changes a Datanet's description and its way of taking batches, for later batches.
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

/// Names who may take a Datanet over.
pub fn propose_owner(owner: &Pubkey, datanet: &Pubkey, new: &Pubkey) -> Instruction {
    let accounts = accounts::ProposeOwner {
        owner: *owner,
        datanet: *datanet,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::ProposeOwner { new: *new })
}

/// Takes a Datanet over.
pub fn accept_owner(new_owner: &Pubkey, datanet: &Pubkey) -> Instruction {
    let accounts = accounts::AcceptOwner {
        new_owner: *new_owner,
        datanet: *datanet,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::AcceptOwner {})
}

/// Opens batch `index` (the Datanet's `batches`) with a bond.
pub fn open_batch(contributor: &Pubkey, datanet: &Pubkey, index: u64, open_mint: &Pubkey, bond: u64) -> Instruction {
    let accounts = accounts::OpenBatch {
        contributor: *contributor,
        config: pda::datanet_config(),
        datanet: *datanet,
        batch: pda::batch(datanet, index),
        open_mint: *open_mint,
        contributor_token: pda::token_account(contributor, open_mint),
        bond_vault: pda::bond_vault(),
        token_program: spl_token_interface::ID,
        system_program: system_program::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::OpenBatch { bond })
}

/// Adds leaves; at most [`LEAVES_PER_TRANSACTION`] fit in a transaction.
pub fn contribute(contributor: &Pubkey, batch: &Pubkey, leaves: Vec<[u8; 32]>) -> Instruction {
    let accounts = accounts::Contribute {
        contributor: *contributor,
        batch: *batch,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::Contribute { leaves })
}

/// Hands a batch to review.
pub fn submit_batch(contributor: &Pubkey, batch: &Pubkey, manifest: [u8; 32]) -> Instruction {
    let accounts = accounts::SubmitBatch {
        contributor: *contributor,
        config: pda::datanet_config(),
        batch: *batch,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::SubmitBatch { manifest })
}

/// Hands an empty batch to review by the root over its leaves.
pub fn contribute_bulk(contributor: &Pubkey, batch: &Pubkey, args: ContributeBulkArgs) -> Instruction {
    let accounts = accounts::SubmitBatch {
        contributor: *contributor,
        config: pda::datanet_config(),
        batch: *batch,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::ContributeBulk { args })
}

/// Takes back a batch that is not submitted.
pub fn cancel_batch(contributor: &Pubkey, datanet: &Pubkey, batch: &Pubkey, open_mint: &Pubkey) -> Instruction {
    let accounts = accounts::CancelBatch {
        contributor: *contributor,
        config: pda::datanet_config(),
        datanet: *datanet,
        batch: *batch,
        open_mint: *open_mint,
        bond_vault: pda::bond_vault(),
        contributor_token: pda::token_account(contributor, open_mint),
        token_program: spl_token_interface::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::CancelBatch {})
}

/// Fixes the seed of a batch's panel, within 512 slots of submission.
pub fn draw_panel(batch: &Pubkey) -> Instruction {
    let accounts = accounts::DrawPanel {
        batch: *batch,
        slot_hashes: slot_hashes::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::DrawPanel {})
}

/// Commits to a verdict.
pub fn commit_verdict(validator: &Pubkey, datanet: &Pubkey, batch: &Pubkey, commitment: [u8; 32]) -> Instruction {
    let accounts = accounts::CommitVerdict {
        config: pda::datanet_config(),
        validator: *validator,
        position: pda::position(validator, Role::Validator),
        stake_config: pda::stake_config(),
        datanet: *datanet,
        batch: *batch,
        slot_hashes: slot_hashes::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::CommitVerdict { commitment })
}

/// Reveals a verdict.
pub fn reveal_verdict(
    validator: &Pubkey,
    datanet: &Pubkey,
    batch: &Pubkey,
    approve: bool,
    quality: u16,
    salt: [u8; 32],
) -> Instruction {
    let accounts = accounts::RevealVerdict {
        config: pda::datanet_config(),
        validator: *validator,
        datanet: *datanet,
        batch: *batch,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::RevealVerdict { approve, quality, salt })
}

/// Carries out a panel's decision.
pub fn finalise_batch(datanet: &Pubkey, batch: &Pubkey, contributor: &Pubkey, open_mint: &Pubkey) -> Instruction {
    let accounts = accounts::FinaliseBatch {
        config: pda::datanet_config(),
        datanet: *datanet,
        batch: *batch,
        contributor: *contributor,
        open_mint: *open_mint,
        bond_vault: pda::bond_vault(),
        contributor_token: Some(pda::token_account(contributor, open_mint)),
        forfeit_to: pda::insurance_vault(),
        token_program: spl_token_interface::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::FinaliseBatch {})
}

/// Closes a batch that can no longer be decided.
pub fn expire_batch(datanet: &Pubkey, batch: &Pubkey, contributor: &Pubkey, open_mint: &Pubkey) -> Instruction {
    let accounts = accounts::ExpireBatch {
        config: pda::datanet_config(),
        datanet: *datanet,
        batch: *batch,
        contributor: *contributor,
        open_mint: *open_mint,
        bond_vault: pda::bond_vault(),
        contributor_token: pda::token_account(contributor, open_mint),
        token_program: spl_token_interface::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::ExpireBatch {})
}

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

/// Succeeds if a contribution is in the Datanet's present root.
pub fn verify_contribution(datanet: &Pubkey, args: VerifyContributionArgs) -> Instruction {
    build(ID, accounts::VerifyContribution { datanet: *datanet }, instruction::VerifyContribution { args })
}

#[cfg(test)]
mod tests {
    use super::*;
    use solana_keypair::Keypair;
    use solana_signer::Signer;
    use solana_transaction::Transaction;

    fn transaction_size(leaves: usize) -> usize {
        let contributor = Keypair::new_from_array([1; 32]);
        let ix = contribute(&contributor.pubkey(), &Pubkey::new_unique(), vec![[7; 32]; leaves]);
        let mut transaction = Transaction::new_with_payer(&[ix], Some(&contributor.pubkey()));
        transaction.sign(&[&contributor], Default::default());
        // one byte counts the signatures
        1 + 64 * transaction.signatures.len() + transaction.message.serialize().len()
    }

    #[test]
    fn as_many_leaves_as_promised_fit_in_a_transaction() {
        assert!(transaction_size(LEAVES_PER_TRANSACTION) <= 1232, "{}", transaction_size(LEAVES_PER_TRANSACTION));
        assert!(transaction_size(LEAVES_PER_TRANSACTION + 1) > 1232);
    }
}
