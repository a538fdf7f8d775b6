//! Instructions for reviews of batches.

use crate::{ix::build::build, pda};
use ::datanet::{ID, accounts, instruction};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;
use solana_sdk_ids::sysvar::slot_hashes;
use stake::state::Role;

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

/// Closes a batch that can no longer be decided, and returns its bond.
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
