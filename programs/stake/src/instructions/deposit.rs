//! `deposit`: bonds OPEN in a role.

use crate::{
    error::StakeError,
    events::{EMITTER, Staked},
    seeds,
    state::*,
    vault,
};
use anchor_lang::prelude::*;
use anchor_spl::token::{Token, TokenAccount};
use openledger_shared::{checked::add, sequence, slot_unless_paused};

/// Accounts of `deposit`.
#[event_cpi]
#[derive(Accounts)]
#[instruction(role: Role)]
pub struct Deposit<'info> {
    /// The staker. It pays the rent of a first position.
    #[account(mut)]
    pub owner: Signer<'info>,
    /// The config.
    #[account(mut, seeds = [seeds::CONFIG], bump = config.bump)]
    pub config: Box<Account<'info, Config>>,
    /// The position of the owner in this role. The first deposit makes it.
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
    /// Checks the amount, and returns the slot.
    fn validate(&self, amount: u64) -> Result<u64> {
        let slot = slot_unless_paused(self.config.paused_until)?;
        require!(amount > 0, StakeError::ZeroAmount);
        Ok(slot)
    }
}

/// Transfers the stake and adds it to position and totals.
pub(crate) fn handler(ctx: Context<Deposit>, role: Role, amount: u64) -> Result<()> {
    let slot = ctx.accounts.validate(amount)?;
    let a = &mut *ctx.accounts;
    vault::put(&a.token_program, &a.owner_token, &a.vault, &a.owner, amount)?;
    let (owner, position) = (a.owner.key(), &mut a.position);
    if position.version == Version::UNMADE {
        position.version = Version::CURRENT;
        position.bump = ctx.bumps.position;
        position.owner = owner;
        position.role = role;
    }
    position.amount = add(position.amount, amount)?;
    position.since_slot = slot;
    let total = a.config.bonded_mut(role);
    *total = add(*total, amount)?;
    let event = Staked {
        position: position.key(),
        sequence: sequence::take(&mut position.sequence)?,
        owner,
        role,
        added: amount,
        amount: position.amount,
    };
    EMITTER.emit(&a.event_authority, &event)
}
