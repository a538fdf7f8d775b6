//! Takes a model out of service.

use crate::{error::ModelError, events::ModelChanged, seeds, state::*};
use anchor_lang::prelude::*;
use stake::sequence::take;

/// Accounts of `retire_model`.
#[event_cpi]
#[derive(Accounts)]
pub struct RetireModel<'info> {
    /// The model's owner.
    pub owner: Signer<'info>,
    /// The config: whether the program is paused. There is one: its type is enough.
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
    pub fn validate(&self) -> Result<()> {
        self.config.running()?;
        require!(self.model.status != ModelStatus::Retired, ModelError::Retired);
        Ok(())
    }

    /// Retires it for good. Jobs under way still end, and are paid, as they would have.
    pub fn handler(ctx: Context<Self>) -> Result<()> {
        let model = &mut ctx.accounts.model;
        model.status = ModelStatus::Retired;
        let event = ModelChanged {
            model: model.key(),
            sequence: take(&mut model.sequence)?,
            price_in: model.price_in,
            price_out: model.price_out,
            retired: true,
        };
        emit_cpi!(event);
        Ok(())
    }
}
