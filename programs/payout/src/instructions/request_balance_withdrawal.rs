//! `request_balance_withdrawal`: requests prepaid OPEN back. A delay follows, in which what was used can still be
//! debited.

use crate::{
    error::PayoutError,
    events::{EMITTER, WithdrawalRequested},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use openledger_shared::{checked::add, sequence};

/// Accounts of `request_balance_withdrawal`.
#[event_cpi]
#[derive(Accounts)]
pub struct RequestBalanceWithdrawal<'info> {
    /// The wallet that paid.
    pub owner: Signer<'info>,
    /// The config.
    #[account(seeds = [seeds::CONFIG], bump = config.bump)]
    pub config: Box<Account<'info, Config>>,
    /// Its balance.
    #[account(
        mut,
        seeds = [seeds::BALANCE, balance.owner.as_ref()],
        bump = balance.bump,
        has_one = owner @ PayoutError::NotOwner
    )]
    pub balance: Box<Account<'info, Balance>>,
}

impl RequestBalanceWithdrawal<'_> {
    fn validate(&self, amount: u64) -> Result<()> {
        require!(amount <= self.balance.amount, PayoutError::BalanceTooSmall);
        Ok(())
    }
}

/// Stores the amount. Every request restarts the delay. A request of 0 cancels the previous one.
pub(crate) fn handler(ctx: Context<RequestBalanceWithdrawal>, amount: u64) -> Result<()> {
    ctx.accounts.validate(amount)?;
    let balance = &mut ctx.accounts.balance;
    balance.withdrawing = amount;
    balance.withdraw_slot = add(Clock::get()?.slot, ctx.accounts.config.parameters.withdrawal_slots)?;
    let event = WithdrawalRequested {
        balance: balance.key(),
        sequence: sequence::take(&mut balance.sequence)?,
        withdrawing: amount,
        withdraw_slot: balance.withdraw_slot,
    };
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
