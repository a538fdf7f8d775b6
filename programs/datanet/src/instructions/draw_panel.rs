//! Fixes the seed that draws a batch's panel, where no validator has done so by committing.

use crate::{error::DatanetError, events::PanelDrawn, panel, seeds, state::*};
use anchor_lang::{prelude::*, solana_program::sysvar::SysvarId};
use openledger_protocol::hash::ZERO;
use stake::sequence::take;

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
    /// Checks that the batch is under review and not drawn.
    pub fn validate(&self) -> Result<()> {
        require!(self.batch.status == BatchStatus::Review, DatanetError::BatchNotInReview);
        require!(self.batch.seed == ZERO, DatanetError::AlreadyDrawn);
        Ok(())
    }

    /// Writes the seed.
    pub fn handler(ctx: Context<Self>) -> Result<()> {
        let a = &mut *ctx.accounts;
        a.batch.seed = panel::seed(&a.slot_hashes.try_borrow_data()?, a.batch.submitted_slot)?;
        let event = PanelDrawn { batch: a.batch.key(), sequence: take(&mut a.batch.sequence)?, seed: a.batch.seed };
        emit_cpi!(event);
        Ok(())
    }
}
