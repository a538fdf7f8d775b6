//! `draw_panel`: fixes the seed that draws a batch's panel, if no commitment has fixed it before.

use crate::{
    error::DatanetError,
    events::{EMITTER, PanelDrawn},
    panel, seeds,
    state::*,
};
use anchor_lang::{prelude::*, solana_program::sysvar::SysvarId};
use openledger_protocol::hash::ZERO;
use openledger_shared::sequence;

/// Accounts of `draw_panel`. Anyone may send it.
#[event_cpi]
#[derive(Accounts)]
pub struct DrawPanel<'info> {
    /// The batch.
    #[account(
        mut, seeds = [seeds::BATCH, batch.datanet.as_ref(), &batch.index.to_le_bytes()], bump = batch.bump,
    )]
    pub batch: Box<Account<'info, Batch>>,
    /// CHECK: the SlotHashes sysvar by address; its bytes are searched in place.
    #[account(address = SlotHashes::id())]
    pub slot_hashes: UncheckedAccount<'info>,
}

impl DrawPanel<'_> {
    /// Checks that the batch is under review and has no seed yet, and returns the seed.
    fn validate(&self) -> Result<[u8; 32]> {
        require!(self.batch.status == BatchStatus::Review, DatanetError::BatchNotInReview);
        require!(self.batch.seed == ZERO, DatanetError::AlreadyDrawn);
        panel::seed(&self.slot_hashes.try_borrow_data()?, self.batch.submitted_slot)
    }
}

/// Writes the seed.
pub(crate) fn handler(ctx: Context<DrawPanel>) -> Result<()> {
    let seed = ctx.accounts.validate()?;
    let batch = &mut ctx.accounts.batch;
    batch.seed = seed;
    let event = PanelDrawn { batch: batch.key(), sequence: sequence::take(&mut batch.sequence)?, seed };
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
