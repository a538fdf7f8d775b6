//! Instructions for batches, up to their submission to review.

use crate::{ix::build::build, pda};
use ::datanet::{ID, accounts, instruction, instructions::ContributeBulkArgs};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;
use solana_sdk_ids::system_program;

/// Most leaves of one `contribute` that fit in a transaction of 1,232 bytes without any other instruction.
pub const LEAVES_PER_TRANSACTION: usize = 30;
/// Most leaves of one `contribute` that fit in a transaction of version 1, which has 4,096 bytes, with its compute budget.
pub const LEAVES_PER_LARGE_TRANSACTION: usize = 119;

/// Opens batch `index`, which must be the Datanet's `batches`, with a bond of `bond` base units.
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

/// Adds leaves to a batch. At most [`LEAVES_PER_TRANSACTION`] fit in a legacy transaction, and
/// [`LEAVES_PER_LARGE_TRANSACTION`] in one of version 1.
pub fn contribute(contributor: &Pubkey, batch: &Pubkey, leaves: &[[u8; 32]]) -> Instruction {
    let accounts = accounts::Contribute {
        contributor: *contributor,
        batch: *batch,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::Contribute { leaves: leaves.to_vec() })
}

/// Hands a batch to review. `manifest` is the SHA-256 of its manifest.
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

/// Hands an empty batch to review by the root over its leaves, which only its manifest holds.
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

#[cfg(test)]
mod tests {
    use super::*;
    use solana_keypair::Keypair;
    use solana_message::v1::{Message, TransactionConfig};
    use solana_signer::Signer;
    use solana_transaction::Transaction;

    fn transaction_size(leaves: usize) -> usize {
        let contributor = Keypair::new_from_array([1; 32]);
        let ix = contribute(&contributor.pubkey(), &Pubkey::new_unique(), &vec![[7; 32]; leaves]);
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

    fn large_transaction_size(leaves: usize) -> usize {
        let contributor = Pubkey::new_from_array([1; 32]);
        let ix = contribute(&contributor, &Pubkey::new_unique(), &vec![[7; 32]; leaves]);
        let config = TransactionConfig {
            priority_fee: Some(1),
            compute_unit_limit: Some(1),
            loaded_accounts_data_size_limit: Some(1),
            heap_size: None,
        };
        let message = Message::try_compile_with_config(&contributor, &[ix], Default::default(), config).unwrap();
        // one byte names the version
        1 + message.size() + 64
    }

    #[test]
    fn as_many_leaves_as_promised_fit_in_a_large_transaction_and_a_million_cost_less_than_6_hundredths_of_a_sol() {
        assert!(large_transaction_size(LEAVES_PER_LARGE_TRANSACTION) <= 4096);
        assert!(large_transaction_size(LEAVES_PER_LARGE_TRANSACTION + 1) > 4096);
        // Each batch is opened, handed in and finalised besides.
        let transactions = 1_000_000_u64.div_ceil(LEAVES_PER_LARGE_TRANSACTION as u64)
            + 3 * 1_000_000_u64.div_ceil(datanet::state::MAX_BATCH);
        assert!(transactions * 5_000 <= 60_000_000, "{} lamports", transactions * 5_000);
    }
}
