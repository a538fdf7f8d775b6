//! `retire_model`: takes a model out of service.

use crate::{
    error::ModelError,
    events::{EMITTER, ModelChanged},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use openledger_shared::slot_unless_paused;

/// Accounts of `retire_model`.
#[event_cpi]
#[derive(Accounts)]
pub struct RetireModel<'info> {
    /// The model's owner.
    pub owner: Signer<'info>,
    /// The config: whether the program is paused. There is only one, so its type identifies it.
    pub config: Box<Account<'info, Config>>,
    /// The model.
    #[account(
        mut, seeds = [seeds::MODEL, model.creator.as_ref(), &model.id.to_le_bytes()], bump = model.bump,
        has_one = owner @ ModelError::NotModelOwner,
    )]
    pub model: Box<Account<'info, Model>>,
}

impl RetireModel<'_> {
    /// Checks that it is not retired already.
    fn validate(&self) -> Result<()> {
        slot_unless_paused(self.config.paused_until)?;
        require!(self.model.status != ModelStatus::Retired, ModelError::Retired);
        Ok(())
    }
}

/// Retires the model for good. Jobs in progress still end and are paid as usual.
pub(crate) fn handler(ctx: Context<RetireModel>) -> Result<()> {
    ctx.accounts.validate()?;
    let model = &mut ctx.accounts.model;
    model.status = ModelStatus::Retired;
    let event = ModelChanged::of(model)?;
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
