//! `set_price`: changes a model's prices.

use crate::{
    error::ModelError,
    events::{EMITTER, ModelChanged},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use openledger_shared::slot_unless_paused;

/// Accounts of `set_price`.
#[event_cpi]
#[derive(Accounts)]
pub struct SetPrice<'info> {
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

impl SetPrice<'_> {
    /// Checks that the model is not retired.
    fn validate(&self) -> Result<()> {
        slot_unless_paused(self.config.paused_until)?;
        require!(self.model.status != ModelStatus::Retired, ModelError::Retired);
        Ok(())
    }
}

/// Writes the prices of 1,000 prompt and 1,000 completion tokens.
pub(crate) fn handler(ctx: Context<SetPrice>, price_in: u64, price_out: u64) -> Result<()> {
    ctx.accounts.validate()?;
    let model = &mut ctx.accounts.model;
    model.price_in = price_in;
    model.price_out = price_out;
    let event = ModelChanged::of(model)?;
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
