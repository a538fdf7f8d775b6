//! `request_balance_withdrawal`: prepaid money shall return, after a delay in which what was used can still be debited.

use crate::{error::PayoutError, events::WithdrawalRequested, record::add, seeds, state::*};
use anchor_lang::prelude::*;
use stake::sequence;

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

/// Notes the amount; the delay begins anew with every request, and a request of 0 calls the one before off.
pub(crate) fn handler(ctx: Context<RequestBalanceWithdrawal>, amount: u64) -> Result<()> {
    let balance = &mut ctx.accounts.balance;
    require!(amount <= balance.amount, PayoutError::BalanceTooSmall);
    balance.withdrawing = amount;
    balance.withdraw_slot = add(Clock::get()?.slot, ctx.accounts.config.parameters.withdrawal_slots)?;
    let event = WithdrawalRequested {
        balance: balance.key(),
        sequence: sequence::take(&mut balance.sequence)?,
        withdrawing: amount,
        withdraw_slot: balance.withdraw_slot,
    };
    emit_cpi!(event);
    Ok(())
}
