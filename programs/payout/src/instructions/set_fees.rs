//! `set_fees`: other shares, from the next epoch on.

use super::propose_authority::changed;
use crate::{error::PayoutError, seeds, state::*};
use anchor_lang::prelude::*;
use openledger_protocol::fees::Shares;

/// Accounts of `set_fees`.
#[event_cpi]
#[derive(Accounts)]
pub struct SetFees<'info> {
    /// The config's authority.
    pub authority: Signer<'info>,
    /// The config.
    #[account(mut, seeds = [seeds::CONFIG], bump = config.bump, has_one = authority @ PayoutError::NotAuthority)]
    pub config: Box<Account<'info, Config>>,
}

/// Notes the shares; a later call in the same epoch replaces them.
pub(crate) fn handler(ctx: Context<SetFees>, next: FeeShares) -> Result<()> {
    require!(Shares::from(next).is_whole(), PayoutError::SharesNotWhole);
    let config = &mut ctx.accounts.config;
    config.next_fees = Some(next);
    let event = changed(config)?;
    emit_cpi!(event);
    Ok(())
}
