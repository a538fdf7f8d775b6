//! The vault of a pool's rewards. Anyone may pay into it. New rewards are divided before anything is paid out.

use crate::{events::Harvested, seeds, state::Pool};
use anchor_lang::prelude::*;
use anchor_spl::token::{self, Token, TokenAccount, Transfer};
use openledger_shared::sequence;

/// Divides the new rewards in the vault. Called before the bonded shares change. Returns the event if there were any.
pub(crate) fn accrued(pool: &mut Account<Pool>, vault: &TokenAccount, slot: u64) -> Result<Option<Harvested>> {
    let arrived = pool.accrue(vault.amount, slot)?;
    if arrived == 0 {
        return Ok(None);
    }
    harvested(pool, arrived, 0).map(Some)
}

/// The event for `arrived` base units that were divided and `paid` base units of commission that were paid.
pub(crate) fn harvested(pool: &mut Account<Pool>, arrived: u64, paid: u64) -> Result<Harvested> {
    Ok(Harvested { pool: pool.key(), sequence: sequence::take(&mut pool.sequence)?, arrived, owed: pool.owed, paid })
}

/// Pays out of the vault.
pub(crate) fn pay<'info>(
    pool: &Account<'info, Pool>,
    from: &Account<'info, TokenAccount>,
    to: &Account<'info, TokenAccount>,
    token_program: &Program<'info, Token>,
    amount: u64,
) -> Result<()> {
    let accounts =
        Transfer { from: from.to_account_info(), to: to.to_account_info(), authority: pool.to_account_info() };
    let signer: &[&[u8]] = &[seeds::POOL, pool.operator.as_ref(), &[pool.bump]];
    token::transfer(CpiContext::new_with_signer(token_program.key(), accounts, &[signer]), amount)
}
