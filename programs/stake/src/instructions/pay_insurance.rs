//! `pay_insurance`: the authority pays out of the insurance vault, within the window's cap.

use crate::{
    error::StakeError,
    events::{EMITTER, InsurancePaid},
    seeds,
    state::*,
    vault,
};
use anchor_lang::prelude::*;
use anchor_spl::token::{Token, TokenAccount};
use openledger_shared::{sequence, slot_unless_paused};

/// Accounts of `pay_insurance`.
#[event_cpi]
#[derive(Accounts)]
pub struct PayInsurance<'info> {
    /// The config's authority.
    pub authority: Signer<'info>,
    /// The config, which owns the vault.
    #[account(mut, seeds = [seeds::CONFIG], bump = config.bump, has_one = authority @ StakeError::NotAuthority)]
    pub config: Box<Account<'info, Config>>,
    /// The insurance vault.
    #[account(mut, seeds = [seeds::INSURANCE], bump = config.insurance_bump)]
    pub insurance: Box<Account<'info, TokenAccount>>,
    /// Token account that is paid. It may not be one of the config's own.
    #[account(
        mut,
        token::mint = config.open_mint,
        constraint = to.owner != config.key() @ StakeError::WrongRecipient
    )]
    pub to: Box<Account<'info, TokenAccount>>,
    /// The SPL Token program.
    pub token_program: Program<'info, Token>,
}

impl PayInsurance<'_> {
    /// Checks amount and cap, and returns the window with the amount taken.
    fn validate(&self, amount: u64) -> Result<Window> {
        require!(amount > 0, StakeError::ZeroAmount);
        let (config, slot) = (&self.config, slot_unless_paused(self.config.paused_until)?);
        let mut window = config.insurance_window;
        let (cap_bps, slots) = (config.insurance_cap_bps, config.insurance_window_slots);
        let room = window.room(self.insurance.amount, cap_bps, slots, slot);
        require!(amount <= room, StakeError::InsuranceCapReached);
        window.take(amount)?;
        Ok(window)
    }
}

/// Pays `amount`.
pub(crate) fn handler(ctx: Context<PayInsurance>, amount: u64) -> Result<()> {
    let window = ctx.accounts.validate(amount)?;
    let a = &mut *ctx.accounts;
    a.config.insurance_window = window;
    vault::pay(&a.token_program, &a.insurance, &a.to, &a.config, amount)?;
    let (config, to) = (&mut a.config, a.to.key());
    let event = InsurancePaid { config: config.key(), sequence: sequence::take(&mut config.sequence)?, to, amount };
    EMITTER.emit(&a.event_authority, &event)
}
