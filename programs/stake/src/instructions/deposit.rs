//! `deposit`: bonds OPEN in a role.

use crate::{
    error::{SharedError, StakeError},
    events::Staked,
    seeds, sequence,
    state::*,
};
use anchor_lang::prelude::*;
use anchor_spl::token::{self, Token, TokenAccount, Transfer};
use openledger_shared::require_running;
use openledger_shared::version::Version;

/// Accounts of `deposit`.
#[event_cpi]
#[derive(Accounts)]
#[instruction(role: Role)]
pub struct Deposit<'info> {
    /// The staker; pays the rent of a first position.
    #[account(mut)]
    pub owner: Signer<'info>,
    /// The config.
    #[account(mut, seeds = [seeds::CONFIG], bump = config.bump)]
    pub config: Box<Account<'info, Config>>,
    /// The position of the owner in this role; made at the first deposit.
    #[account(
        init_if_needed,
        payer = owner,
        space = 8 + Position::INIT_SPACE,
        seeds = [seeds::POSITION, owner.key().as_ref(), &[role as u8]],
        bump
    )]
    pub position: Box<Account<'info, Position>>,
    /// Token account of the owner that the stake comes from.
    #[account(mut, token::mint = config.open_mint, token::authority = owner)]
    pub owner_token: Box<Account<'info, TokenAccount>>,
    /// The stake vault.
    #[account(mut, seeds = [seeds::VAULT], bump = config.vault_bump)]
    pub vault: Box<Account<'info, TokenAccount>>,
    /// The SPL Token program.
    pub token_program: Program<'info, Token>,
    /// The system program.
    pub system_program: Program<'info, System>,
}

impl Deposit<'_> {
    fn validate(&self, amount: u64, slot: u64) -> Result<()> {
        require_running(self.config.paused_until, slot)?;
        require!(amount > 0, StakeError::ZeroAmount);
        Ok(())
    }
}

/// Transfers the stake and adds it to position and totals.
pub(crate) fn handler(ctx: Context<Deposit>, role: Role, amount: u64) -> Result<()> {
    let slot = Clock::get()?.slot;
    ctx.accounts.validate(amount, slot)?;
    token::transfer(
        CpiContext::new(
            ctx.accounts.token_program.key(),
            Transfer {
                from: ctx.accounts.owner_token.to_account_info(),
                to: ctx.accounts.vault.to_account_info(),
                authority: ctx.accounts.owner.to_account_info(),
            },
        ),
        amount,
    )?;
    let owner = ctx.accounts.owner.key();
    let position = &mut ctx.accounts.position;
    if position.version == Version::UNMADE {
        position.version = Version::CURRENT;
        position.bump = ctx.bumps.position;
        position.owner = owner;
        position.role = role;
    }
    position.amount = position.amount.checked_add(amount).ok_or(SharedError::Overflow)?;
    position.since_slot = slot;
    let total = ctx.accounts.config.bonded_mut(role);
    *total = total.checked_add(amount).ok_or(SharedError::Overflow)?;
    let event = Staked {
        position: position.key(),
        sequence: sequence::take(&mut position.sequence)?,
        owner,
        role,
        added: amount,
        amount: position.amount,
    };
    emit_cpi!(event);
    Ok(())
}
