//! Token accounts of OPEN.

use solana_instruction::Instruction;
use solana_pubkey::Pubkey;
use spl_associated_token_account_interface::instruction::create_associated_token_account_idempotent;

/// Makes `wallet`'s associated token account of `mint` if it does not exist. `payer` pays the rent.
pub fn create_account(payer: &Pubkey, wallet: &Pubkey, mint: &Pubkey) -> Instruction {
    create_associated_token_account_idempotent(payer, wallet, mint, &spl_token_interface::ID)
}

/// Sends `amount` base units from `from`'s associated token account to that of `to`, which must exist.
pub fn transfer(from: &Pubkey, to: &Pubkey, mint: &Pubkey, amount: u64) -> Instruction {
    spl_token_interface::instruction::transfer_checked(
        &spl_token_interface::ID,
        &crate::pda::token_account(from, mint),
        mint,
        &crate::pda::token_account(to, mint),
        from,
        &[],
        amount,
        stake::state::OPEN_DECIMALS,
    )
    .expect("the token program's id is right")
}
