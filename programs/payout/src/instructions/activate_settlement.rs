//! `activate_settlement`: makes a posted settlement the one that claims are proven against.

use crate::{
    error::PayoutError,
    events::{EMITTER, SettlementActivated},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use openledger_shared::{sequence, slot_unless_paused};

/// Accounts of `activate_settlement`.
#[event_cpi]
#[derive(Accounts)]
pub struct ActivateSettlement<'info> {
    /// The config.
    #[account(mut, seeds = [seeds::CONFIG], bump = config.bump)]
    pub config: Box<Account<'info, Config>>,
    /// The settlement that waits.
    #[account(
        mut,
        seeds = [seeds::SETTLEMENT, &settlement.epoch.to_le_bytes()],
        bump = settlement.bump
    )]
    pub settlement: Box<Account<'info, Settlement>>,
}

impl ActivateSettlement<'_> {
    fn validate(&self) -> Result<()> {
        let slot = slot_unless_paused(self.config.paused_until)?;
        require!(self.settlement.status != SettlementStatus::Challenged, PayoutError::Challenged);
        require!(
            self.settlement.status == SettlementStatus::Posted
                && self.config.active_epoch.checked_add(1) == Some(self.settlement.epoch),
            PayoutError::NotPosted
        );
        require!(slot >= self.settlement.active_after, PayoutError::ChallengeOpen);
        Ok(())
    }
}

/// Activates the settlement.
pub(crate) fn handler(ctx: Context<ActivateSettlement>) -> Result<()> {
    ctx.accounts.validate()?;
    let (config, settlement) = (&mut ctx.accounts.config, &mut ctx.accounts.settlement);
    settlement.status = SettlementStatus::Active;
    config.active = settlement.pools;
    config.active_epoch = settlement.epoch;
    config.settled_slot = settlement.cutoff_slot;
    let event = SettlementActivated {
        config: config.key(),
        sequence: sequence::take(&mut config.sequence)?,
        epoch: settlement.epoch,
    };
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
