//! `withdraw`: pays unbonded OPEN out after the cooldown.

use crate::{
    error::StakeError,
    events::{EMITTER, Withdrawn},
    seeds,
    state::*,
    vault,
};
use anchor_lang::prelude::*;
use anchor_spl::token::{Token, TokenAccount};
use openledger_shared::{checked::sub, sequence, slot_unless_paused};

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
    fn validate(&self) -> Result<()> {
        let slot = slot_unless_paused(self.config.paused_until)?;
        require!(self.position.unbonding > 0, StakeError::NothingUnbonding);
        require!(slot >= self.position.unbond_slot, StakeError::CooldownNotOver);
        Ok(())
    }
}

/// Pays everything that has unbonded.
pub(crate) fn handler(ctx: Context<Withdraw>, _role: Role) -> Result<()> {
    ctx.accounts.validate()?;
    let a = &mut *ctx.accounts;
    let paid = core::mem::take(&mut a.position.unbonding);
    a.config.unbonding = sub(a.config.unbonding, paid)?;
    vault::pay(&a.token_program, &a.vault, &a.owner_token, &a.config, paid)?;
    let event = Withdrawn { position: a.position.key(), sequence: sequence::take(&mut a.position.sequence)?, paid };
    EMITTER.emit(&a.event_authority, &event)
}
