//! `set_commission`: sets the commission. A lower one holds at once. A higher one holds after `unbond_slots`, so that
//! delegators can leave before.

use crate::{
    error::StakeError,
    events::{CommissionSet, EMITTER},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use openledger_shared::checked::add;

/// Accounts of `set_commission`.
#[event_cpi]
#[derive(Accounts)]
pub struct SetCommission<'info> {
    /// The operator's wallet.
    pub owner: Signer<'info>,
    /// The config.
    #[account(seeds = [seeds::CONFIG], bump = config.bump)]
    pub config: Box<Account<'info, Config>>,
    /// The operator's pool.
    #[account(mut, seeds = [seeds::POOL, owner.key().as_ref()], bump = pool.bump)]
    pub pool: Box<Account<'info, Pool>>,
}

impl SetCommission<'_> {
    fn validate(&self, commission_bps: u16) -> Result<()> {
        require!(commission_bps <= MAX_BPS, StakeError::ParameterOutOfBounds);
        Ok(())
    }
}

/// Sets the commission on rewards divided from now on, or announces a higher one. A later call replaces an
/// announcement.
pub(crate) fn handler(ctx: Context<SetCommission>, commission_bps: u16) -> Result<()> {
    ctx.accounts.validate(commission_bps)?;
    let slot = Clock::get()?.slot;
    let pool = &mut ctx.accounts.pool;
    pool.commission_bps = pool.commission_in(slot);
    pool.next_commission_bps = commission_bps;
    pool.commission_slot =
        if commission_bps <= pool.commission_bps { slot } else { add(slot, ctx.accounts.config.unbond_slots)? };
    pool.commission_bps = pool.commission_in(slot);
    let event = CommissionSet::of(pool)?;
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
