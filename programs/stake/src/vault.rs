//! Transfers of OPEN into and out of the vaults that the config owns.

use crate::{seeds, state::Config};
use anchor_lang::prelude::*;
use anchor_spl::token::{self, Token, TokenAccount, Transfer};

/// Moves `amount` base units from `owner` into the stake vault.
pub(crate) fn put<'info>(
    token_program: &Program<'info, Token>,
    from: &Account<'info, TokenAccount>,
    vault: &Account<'info, TokenAccount>,
    owner: &Signer<'info>,
    amount: u64,
) -> Result<()> {
    let accounts =
        Transfer { from: from.to_account_info(), to: vault.to_account_info(), authority: owner.to_account_info() };
    token::transfer(CpiContext::new(token_program.key(), accounts), amount)
}

/// Pays `amount` base units out of one of the vaults.
pub(crate) fn pay<'info>(
    token_program: &Program<'info, Token>,
    vault: &Account<'info, TokenAccount>,
    to: &Account<'info, TokenAccount>,
    config: &Account<'info, Config>,
    amount: u64,
) -> Result<()> {
    let accounts =
        Transfer { from: vault.to_account_info(), to: to.to_account_info(), authority: config.to_account_info() };
    let signer: &[&[&[u8]]] = &[&[seeds::CONFIG, &[config.bump]]];
    token::transfer(CpiContext::new_with_signer(token_program.key(), accounts, signer), amount)
}
