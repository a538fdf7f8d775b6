//! `submit_batch`: hands a batch in for review.

use crate::{error::DatanetError, events::EMITTER, review, seeds, state::*};
use anchor_lang::prelude::*;
use openledger_protocol::hash::ZERO;
use openledger_shared::slot_unless_paused;

/// Accounts of `submit_batch` and of `contribute_bulk`.
#[event_cpi]
#[derive(Accounts)]
pub struct SubmitBatch<'info> {
    /// The batch's contributor.
    pub contributor: Signer<'info>,
    /// The config: the length of the windows.
    #[account(seeds = [seeds::CONFIG], bump = config.bump)]
    pub config: Account<'info, Config>,
    /// The batch.
    #[account(
        mut, seeds = [seeds::BATCH, batch.datanet.as_ref(), &batch.index.to_le_bytes()], bump = batch.bump,
        has_one = contributor @ DatanetError::NotContributor,
    )]
    pub batch: Box<Account<'info, Batch>>,
}

impl SubmitBatch<'_> {
    /// Checks that the batch is open and has leaves, and that the manifest's hash is not zero. Returns the slot.
    fn validate(&self, manifest: &[u8; 32]) -> Result<u64> {
        let slot = slot_unless_paused(self.config.paused_until)?;
        require!(self.batch.status == BatchStatus::Open, DatanetError::BatchNotOpen);
        require!(self.batch.count > 0, DatanetError::NoLeaves);
        require!(*manifest != ZERO, DatanetError::ZeroHash);
        Ok(slot)
    }
}

/// Closes the batch to changes and opens its review windows.
pub(crate) fn handler(ctx: Context<SubmitBatch>, manifest: [u8; 32]) -> Result<()> {
    let slot = ctx.accounts.validate(&manifest)?;
    let event = review::begin(&mut ctx.accounts.batch, &ctx.accounts.config, manifest, slot)?;
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
