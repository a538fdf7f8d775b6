//! `set_paused`: pauses or resumes the opening of batches.

use crate::{
    error::DatanetError,
    events::{DatanetChanged, EMITTER},
    seeds,
    state::{Config, Datanet},
};
use anchor_lang::prelude::*;
use openledger_shared::slot_unless_paused;

/// Accounts of `set_paused`.
#[event_cpi]
#[derive(Accounts)]
pub struct SetPaused<'info> {
    /// The Datanet's owner.
    pub owner: Signer<'info>,
    /// The config: whether the program is paused. There is only one, so its type identifies it.
    pub config: Box<Account<'info, Config>>,
    /// The Datanet.
    #[account(
        mut, seeds = [seeds::DATANET, datanet.creator.as_ref(), &datanet.id.to_le_bytes()], bump = datanet.bump,
        has_one = owner @ DatanetError::NotOwner,
    )]
    pub datanet: Box<Account<'info, Datanet>>,
}

impl SetPaused<'_> {
    fn validate(&self) -> Result<()> {
        slot_unless_paused(self.config.paused_until)?;
        Ok(())
    }
}

/// Writes the flag. It does not affect batches that are already open.
pub(crate) fn handler(ctx: Context<SetPaused>, paused: bool) -> Result<()> {
    ctx.accounts.validate()?;
    let datanet = &mut ctx.accounts.datanet;
    datanet.paused = paused;
    let event = DatanetChanged::of(datanet)?;
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
