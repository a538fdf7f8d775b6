//! `pay_insurance`: pays out of the insurance vault, by the authority and within the window's cap.

use crate::{error::StakeError, events::InsurancePaid, seeds, sequence, state::*};
use anchor_lang::prelude::*;
use anchor_spl::token::{self, Token, TokenAccount, Transfer};
use openledger_shared::require_running;

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
    /// Token account that is paid; none of the config's own.
    #[account(
        mut,
        token::mint = config.open_mint,
        constraint = to.owner != config.key() @ StakeError::WrongRecipient
    )]
    pub to: Box<Account<'info, TokenAccount>>,
    /// The SPL Token program.
    pub token_program: Program<'info, Token>,
}

/// Pays `amount`.
pub(crate) fn handler(ctx: Context<PayInsurance>, amount: u64) -> Result<()> {
    require!(amount > 0, StakeError::ZeroAmount);
    let slot = Clock::get()?.slot;
    require_running(ctx.accounts.config.paused_until, slot)?;
    let a = &mut *ctx.accounts;
    let config = &mut a.config;
    let (cap_bps, slots) = (config.insurance_cap_bps, config.insurance_window_slots);
    let room = config.insurance_window.room(a.insurance.amount, cap_bps, slots, slot);
    require!(amount <= room, StakeError::InsuranceCapReached);
    config.insurance_window.take(amount)?;
    token::transfer(
        CpiContext::new_with_signer(
            a.token_program.key(),
            Transfer {
                from: a.insurance.to_account_info(),
                to: a.to.to_account_info(),
                authority: config.to_account_info(),
            },
            &[&[seeds::CONFIG, &[config.bump]]],
        ),
        amount,
    )?;
    let event =
        InsurancePaid { config: config.key(), sequence: sequence::take(&mut config.sequence)?, to: a.to.key(), amount };
    emit_cpi!(event);
    Ok(())
}
