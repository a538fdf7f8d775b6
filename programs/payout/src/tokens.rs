//! A transfer of the SPL Token program that costs fewer compute units than Anchor's, for frequent instructions. It
//! builds the same instruction once, and omits the borrow checks that the runtime makes anyway.

use anchor_lang::{
    prelude::*,
    solana_program::{instruction::Instruction, program::invoke_signed_unchecked},
};

/// Number of the token program's `Transfer`.
const TRANSFER: u8 = 3;

/// Moves `amount` base units. `accounts` are `[source, destination, authority]`. `seeds` sign if the authority is a PDA
/// of this program. The caller must not borrow any of the accounts' data.
pub fn transfer(program: Pubkey, accounts: &[AccountInfo; 3], seeds: &[&[&[u8]]], amount: u64) -> Result<()> {
    let [from, to, authority] = accounts;
    let mut data = Vec::with_capacity(9);
    data.push(TRANSFER);
    data.extend_from_slice(&amount.to_le_bytes());
    let metas = vec![
        AccountMeta::new(*from.key, false),
        AccountMeta::new(*to.key, false),
        AccountMeta::new_readonly(*authority.key, true),
    ];
    let call = Instruction { program_id: program, accounts: metas, data };
    invoke_signed_unchecked(&call, accounts, seeds).map_err(Into::into)
}
