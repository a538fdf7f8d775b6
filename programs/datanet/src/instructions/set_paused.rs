//! Stops or resumes the opening of batches.

use crate::{
    error::DatanetError,
    events::DatanetChanged,
    seeds,
    state::{Config, Datanet},
};
use anchor_lang::prelude::*;
use stake::sequence::take;

/// Accounts of `set_paused`.
#[event_cpi]
#[derive(Accounts)]
pub struct SetPaused<'info> {
    /// The Datanet's owner.
    pub owner: Signer<'info>,
    /// The config: whether the program is paused. There is one: its type is enough.
    pub config: Box<Account<'info, Config>>,
    /// The Datanet.
    #[account(
        mut, seeds = [seeds::DATANET, datanet.creator.as_ref(), &datanet.id.to_le_bytes()], bump = datanet.bump,
        has_one = owner @ DatanetError::NotOwner,
    )]
    pub datanet: Box<Account<'info, Datanet>>,
}

impl SetPaused<'_> {
    /// Writes the flag. Batches that are open already go on.
    pub fn handler(ctx: Context<Self>, paused: bool) -> Result<()> {
        ctx.accounts.config.running()?;
        let datanet = &mut ctx.accounts.datanet;
        datanet.paused = paused;
        let event = DatanetChanged {
            datanet: datanet.key(),
            sequence: take(&mut datanet.sequence)?,
            owner: datanet.owner,
            pending_owner: datanet.pending_owner,
            paused,
        };
        emit_cpi!(event);
        Ok(())
    }
}
