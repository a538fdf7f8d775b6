//! `withdraw_balance`: returns prepaid OPEN to its owner. A pause does not stop it, because the OPEN is the owner's.

use crate::{
    error::PayoutError,
    events::{BalanceWithdrawn, EMITTER},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use anchor_spl::token::{self, Token, TokenAccount, Transfer};
use openledger_shared::sequence;

/// Accounts of `withdraw_balance`.
#[event_cpi]
#[derive(Accounts)]
pub struct WithdrawBalance<'info> {
    /// The wallet that paid.
    pub owner: Signer<'info>,
    /// Its balance.
    #[account(
        mut,
        seeds = [seeds::BALANCE, balance.owner.as_ref()],
        bump = balance.bump,
        has_one = owner @ PayoutError::NotOwner
    )]
    pub balance: Box<Account<'info, Balance>>,
    /// The balance's token account.
    #[account(mut, address = balance.vault @ PayoutError::WrongVault)]
    pub vault: Box<Account<'info, TokenAccount>>,
    /// Token account of the wallet that the OPEN returns to.
    #[account(mut, token::mint = vault.mint, token::authority = owner)]
    pub owner_token: Box<Account<'info, TokenAccount>>,
    /// The SPL Token program.
    pub token_program: Program<'info, Token>,
}

impl WithdrawBalance<'_> {
    /// Checks that a withdrawal is requested and its delay is over, and returns the base units that stay.
    fn validate(&self) -> Result<u64> {
        let balance = &self.balance;
        require!(balance.withdrawing > 0, PayoutError::NothingWithdrawing);
        require!(Clock::get()?.slot >= balance.withdraw_slot, PayoutError::WithdrawalTooEarly);
        balance.amount.checked_sub(balance.withdrawing).ok_or_else(|| PayoutError::BalanceTooSmall.into())
    }
}

/// Pays out what debits have left of the requested amount.
pub(crate) fn handler(ctx: Context<WithdrawBalance>) -> Result<()> {
    let left = ctx.accounts.validate()?;
    let a = &mut *ctx.accounts;
    let paid = std::mem::take(&mut a.balance.withdrawing);
    a.balance.amount = left;
    let transfer = Transfer {
        from: a.vault.to_account_info(),
        to: a.owner_token.to_account_info(),
        authority: a.balance.to_account_info(),
    };
    let seeds: &[&[&[u8]]] = &[&[seeds::BALANCE, a.balance.owner.as_ref(), &[a.balance.bump]]];
    token::transfer(CpiContext::new_with_signer(a.token_program.key(), transfer, seeds), paid)?;
    let event = BalanceWithdrawn {
        balance: a.balance.key(),
        sequence: sequence::take(&mut a.balance.sequence)?,
        paid,
        amount: a.balance.amount,
    };
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
