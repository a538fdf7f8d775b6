//! `set_fees`: sets the shares of fees from the next epoch on.

use crate::{error::PayoutError, events::EMITTER, seeds, state::*};
use anchor_lang::prelude::*;
use openledger_protocol::fees::Shares;
use openledger_shared::governed;

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

impl SetFees<'_> {
    fn validate(&self, next: FeeShares) -> Result<()> {
        let (present, wanted) = (Shares::from(self.config.fees), Shares::from(next));
        require!(wanted.is_whole(), PayoutError::SharesNotWhole);
        // Compared with the shares in force and not with announced ones, so that many calls in one epoch move no
        // further than one call.
        require!(wanted.is_within_bounds() && present.is_one_step_to(&wanted), PayoutError::FeesOutOfBounds);
        Ok(())
    }
}

/// Stores the shares. A later call in the same epoch replaces them.
pub(crate) fn handler(ctx: Context<SetFees>, next: FeeShares) -> Result<()> {
    ctx.accounts.validate(next)?;
    let config = &mut ctx.accounts.config;
    config.next_fees = Some(next);
    let event = governed::changed(config)?;
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
