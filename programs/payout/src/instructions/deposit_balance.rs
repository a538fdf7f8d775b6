//! `deposit_balance`: a wallet pays into its prepaid balance.

use crate::{
    error::PayoutError,
    events::{BalanceDeposited, EMITTER},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use anchor_spl::token::{self, Mint, Token, TokenAccount, Transfer};
use openledger_shared::{checked::add, sequence};

/// Accounts of `deposit_balance`.
#[event_cpi]
#[derive(Accounts)]
pub struct DepositBalance<'info> {
    /// The wallet that pays. It also pays the rent of a first deposit.
    #[account(mut)]
    pub owner: Signer<'info>,
    /// The config.
    #[account(seeds = [seeds::CONFIG], bump = config.bump, has_one = open_mint @ PayoutError::WrongMint)]
    pub config: Box<Account<'info, Config>>,
    /// The wallet's balance; made at the first deposit.
    #[account(
        init_if_needed,
        payer = owner,
        space = 8 + Balance::INIT_SPACE,
        seeds = [seeds::BALANCE, owner.key().as_ref()],
        bump
    )]
    pub balance: Box<Account<'info, Balance>>,
    /// The balance's token account; made at the first deposit.
    #[account(
        init_if_needed,
        payer = owner,
        seeds = [seeds::PREPAID, owner.key().as_ref()],
        bump,
        token::mint = open_mint,
        token::authority = balance
    )]
    pub vault: Box<Account<'info, TokenAccount>>,
    /// Token account of the wallet that the OPEN comes from.
    #[account(mut, token::mint = open_mint, token::authority = owner)]
    pub owner_token: Box<Account<'info, TokenAccount>>,
    /// The OPEN mint.
    pub open_mint: Box<Account<'info, Mint>>,
    /// The SPL Token program.
    pub token_program: Program<'info, Token>,
    /// The system program.
    pub system_program: Program<'info, System>,
}

impl DepositBalance<'_> {
    fn validate(&self, amount: u64) -> Result<()> {
        require!(amount > 0, PayoutError::ZeroAmount);
        Ok(())
    }
}

/// Transfers the OPEN and counts it.
pub(crate) fn handler(ctx: Context<DepositBalance>, amount: u64) -> Result<()> {
    ctx.accounts.validate(amount)?;
    let a = &mut *ctx.accounts;
    let transfer = Transfer {
        from: a.owner_token.to_account_info(),
        to: a.vault.to_account_info(),
        authority: a.owner.to_account_info(),
    };
    token::transfer(CpiContext::new(a.token_program.key(), transfer), amount)?;
    let balance = &mut a.balance;
    if balance.version == Version::UNMADE {
        balance.version = Version::CURRENT;
        balance.bump = ctx.bumps.balance;
        balance.owner = a.owner.key();
        balance.vault = a.vault.key();
    }
    balance.amount = add(balance.amount, amount)?;
    let event = BalanceDeposited {
        balance: balance.key(),
        sequence: sequence::take(&mut balance.sequence)?,
        owner: balance.owner,
        added: amount,
        amount: balance.amount,
    };
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
