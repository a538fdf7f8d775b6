//! Money out of a job's escrow. It always ends whole: everything in it is paid or returned, then it is closed.

use crate::{seeds, state::Job};
use anchor_lang::prelude::*;
use anchor_spl::token::{self, CloseAccount, Mint, Token, TokenAccount, TransferChecked};

/// A job's escrow and who stands around it.
pub struct Escrow<'a, 'info> {
    /// The job: owner of the escrow.
    pub job: &'a Account<'info, Job>,
    /// The token account.
    pub account: &'a Account<'info, TokenAccount>,
    /// The OPEN mint.
    pub mint: &'a Account<'info, Mint>,
    /// The SPL Token program.
    pub token_program: &'a Program<'info, Token>,
}

impl<'info> Escrow<'_, 'info> {
    /// Pays `amount` base units to the token account `to`.
    pub fn pay(&self, to: AccountInfo<'info>, amount: u64) -> Result<()> {
        let number = self.job.number.to_le_bytes();
        let accounts = TransferChecked {
            from: self.account.to_account_info(),
            mint: self.mint.to_account_info(),
            to,
            authority: self.job.to_account_info(),
        };
        token::transfer_checked(
            CpiContext::new_with_signer(self.token_program.key(), accounts, &[&self.signer(&number)]),
            amount,
            self.mint.decimals,
        )
    }

    /// Returns all that is left after `paid` base units to `to` and closes the escrow, its rent to `requester`.
    /// Returns the amount returned.
    ///
    /// What is left is read from the account and not from the budget: anybody can send tokens to an escrow, and one
    /// that is not empty could not be closed.
    pub fn settle(&self, paid: u64, to: AccountInfo<'info>, requester: AccountInfo<'info>) -> Result<u64> {
        let rest = self.account.amount.checked_sub(paid).ok_or(ProgramError::ArithmeticOverflow)?;
        self.pay(to, rest)?;
        let number = self.job.number.to_le_bytes();
        let accounts = CloseAccount {
            account: self.account.to_account_info(),
            destination: requester,
            authority: self.job.to_account_info(),
        };
        token::close_account(CpiContext::new_with_signer(
            self.token_program.key(),
            accounts,
            &[&self.signer(&number)],
        ))?;
        Ok(rest)
    }

    fn signer<'s>(&'s self, number: &'s [u8; 8]) -> [&'s [u8]; 4] {
        [seeds::JOB, self.job.model.as_ref(), number, std::slice::from_ref(&self.job.bump)]
    }
}
