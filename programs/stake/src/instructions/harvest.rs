//! `harvest`: divides the rewards that have arrived and pays the operator its commission. Anyone may call it.

use crate::{
    events::EMITTER,
    reward_vault::{harvested, pay},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use anchor_spl::token::{Token, TokenAccount};
use openledger_shared::slot_unless_paused;

/// Accounts of `harvest`.
#[event_cpi]
#[derive(Accounts)]
pub struct Harvest<'info> {
    /// The config.
    #[account(seeds = [seeds::CONFIG], bump = config.bump)]
    pub config: Box<Account<'info, Config>>,
    /// The pool, which owns the reward vault.
    #[account(mut, seeds = [seeds::POOL, pool.operator.as_ref()], bump = pool.bump)]
    pub pool: Box<Account<'info, Pool>>,
    /// The pool's rewards.
    #[account(mut, seeds = [seeds::REWARDS, pool.operator.as_ref()], bump = pool.vault_bump)]
    pub reward_vault: Box<Account<'info, TokenAccount>>,
    /// Token account of the operator's wallet, for the commission.
    #[account(mut, token::mint = config.open_mint, token::authority = pool.operator)]
    pub operator_token: Box<Account<'info, TokenAccount>>,
    /// The SPL Token program.
    pub token_program: Program<'info, Token>,
}

impl Harvest<'_> {
    /// Checks that the program runs, and returns the slot.
    fn validate(&self) -> Result<u64> {
        slot_unless_paused(self.config.paused_until)
    }
}

/// Divides and pays.
pub(crate) fn handler(ctx: Context<Harvest>) -> Result<()> {
    let slot = ctx.accounts.validate()?;
    let a = &mut *ctx.accounts;
    let (arrived, paid) = a.pool.harvest(a.reward_vault.amount, slot)?;
    pay(&a.pool, &a.reward_vault, &a.operator_token, &a.token_program, paid)?;
    let event = harvested(&mut a.pool, arrived, paid)?;
    EMITTER.emit(&a.event_authority, &event)
}
