//! Instructions for prepaid balances.

use super::payments::Payment;
use crate::{ix::build::build, pda};
use ::payout::{ID, accounts, instruction, instructions::DebitBalanceArgs};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;
use solana_sdk_ids::{system_program, sysvar::instructions};

/// Pays `amount` base units into the wallet's own prepaid balance.
pub fn deposit_balance(owner: &Pubkey, open_mint: &Pubkey, amount: u64) -> Instruction {
    let accounts = accounts::DepositBalance {
        owner: *owner,
        config: pda::payout_config(),
        balance: pda::prepaid_balance(owner),
        vault: pda::prepaid_vault(owner),
        owner_token: pda::token_account(owner, open_mint),
        open_mint: *open_mint,
        token_program: spl_token_interface::ID,
        system_program: system_program::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::DepositBalance { amount })
}

/// Debits the payer's balance. The committee's [`crate::attestation::instruction`] must stand directly before.
pub fn debit_balance(p: &Payment, args: DebitBalanceArgs) -> Instruction {
    let accounts = accounts::DebitBalance {
        balance: pda::prepaid_balance(&p.payer),
        balance_vault: pda::prepaid_vault(&p.payer),
        config: pda::payout_config(),
        shard: pda::shard(p.shard),
        vault: pda::vault(p.shard),
        treasury: p.treasury,
        model: p.model,
        model_owner_token: pda::token_account(&p.model_owner, &p.open_mint),
        upstream_token: p.parent_owner.map(|owner| pda::token_account(&owner, &p.open_mint)),
        operator: pda::operator(&p.operator),
        operator_token: pda::token_account(&p.operator, &p.open_mint),
        stake_config: pda::stake_config(),
        committee: pda::committee(p.committee_epoch),
        instructions: instructions::ID,
        token_program: spl_token_interface::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::DebitBalance { args })
}

/// Requests the withdrawal of prepaid OPEN. An amount of 0 cancels the earlier request.
pub fn request_balance_withdrawal(owner: &Pubkey, amount: u64) -> Instruction {
    let accounts = accounts::RequestBalanceWithdrawal {
        owner: *owner,
        config: pda::payout_config(),
        balance: pda::prepaid_balance(owner),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::RequestBalanceWithdrawal { amount })
}

/// Pays out a requested withdrawal after the delay.
pub fn withdraw_balance(owner: &Pubkey, open_mint: &Pubkey) -> Instruction {
    let accounts = accounts::WithdrawBalance {
        owner: *owner,
        balance: pda::prepaid_balance(owner),
        vault: pda::prepaid_vault(owner),
        owner_token: pda::token_account(owner, open_mint),
        token_program: spl_token_interface::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::WithdrawBalance {})
}
