//! `withdraw`: pays unbonded OPEN out after the cooldown.

use crate::{
    error::{SharedError, StakeError},
    events::Withdrawn,
    seeds, sequence,
    state::*,
};
use anchor_lang::prelude::*;
use anchor_spl::token::{self, Token, TokenAccount, Transfer};
use openledger_shared::require_running;

/// Accounts of `withdraw`.
#[event_cpi]
#[derive(Accounts)]
#[instruction(role: Role)]
pub struct Withdraw<'info> {
    /// The staker.
    pub owner: Signer<'info>,
    /// The config, which owns the vault.
    #[account(mut, seeds = [seeds::CONFIG], bump = config.bump)]
    pub config: Box<Account<'info, Config>>,
    /// The position of the owner in this role.
    #[account(
        mut,
        seeds = [seeds::POSITION, owner.key().as_ref(), &[role as u8]],
        bump = position.bump,
        has_one = owner
    )]
    pub position: Box<Account<'info, Position>>,
    /// Token account of the owner that is paid.
    #[account(mut, token::mint = config.open_mint, token::authority = owner)]
    pub owner_token: Box<Account<'info, TokenAccount>>,
    /// The stake vault.
    #[account(mut, seeds = [seeds::VAULT], bump = config.vault_bump)]
    pub vault: Box<Account<'info, TokenAccount>>,
    /// The SPL Token program.
    pub token_program: Program<'info, Token>,
}

impl Withdraw<'_> {
    fn validate(&self, slot: u64) -> Result<()> {
        require_running(self.config.paused_until, slot)?;
        require!(self.position.unbonding > 0, StakeError::NothingUnbonding);
        require!(slot >= self.position.unbond_slot, StakeError::CooldownNotOver);
        Ok(())
    }
}

/// Pays everything that has unbonded.
pub(crate) fn handler(ctx: Context<Withdraw>, _role: Role) -> Result<()> {
    ctx.accounts.validate(Clock::get()?.slot)?;
    let (config, position) = (&mut ctx.accounts.config, &mut ctx.accounts.position);
    let paid = core::mem::take(&mut position.unbonding);
    config.unbonding = config.unbonding.checked_sub(paid).ok_or(SharedError::Overflow)?;
    token::transfer(
        CpiContext::new_with_signer(
            ctx.accounts.token_program.key(),
            Transfer {
                from: ctx.accounts.vault.to_account_info(),
                to: ctx.accounts.owner_token.to_account_info(),
                authority: config.to_account_info(),
            },
            &[&[seeds::CONFIG, &[config.bump]]],
        ),
        paid,
    )?;
    let event = Withdrawn { position: position.key(), sequence: sequence::take(&mut position.sequence)?, paid };
    emit_cpi!(event);
    Ok(())
}
