//! Hands a batch to review.

use crate::{error::DatanetError, events::BatchSubmitted, seeds, state::*};
use anchor_lang::prelude::*;
use openledger_protocol::hash::ZERO;
use stake::sequence::take;

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
    /// Checks that there is something to review and where to read it.
    pub fn validate(&self, manifest: &[u8; 32]) -> Result<()> {
        self.config.running()?;
        require!(self.batch.status == BatchStatus::Open, DatanetError::BatchNotOpen);
        require!(self.batch.count > 0, DatanetError::NoLeaves);
        require!(*manifest != ZERO, DatanetError::ZeroHash);
        Ok(())
    }

    /// Closes the batch to change and opens its windows.
    pub fn handler(ctx: Context<Self>, manifest: [u8; 32]) -> Result<()> {
        let slot = Clock::get()?.slot;
        let a = &mut *ctx.accounts;
        let batch = &mut a.batch;
        batch.status = BatchStatus::Review;
        batch.manifest = manifest;
        batch.submitted_slot = slot;
        batch.commit_until = slot.checked_add(a.config.commit_slots).ok_or(ProgramError::ArithmeticOverflow)?;
        batch.reveal_until =
            batch.commit_until.checked_add(a.config.reveal_slots).ok_or(ProgramError::ArithmeticOverflow)?;
        let event = BatchSubmitted {
            batch: batch.key(),
            sequence: take(&mut batch.sequence)?,
            root: batch.root()?,
            count: batch.count,
            manifest,
            bulk: batch.bulk_root != ZERO,
            commit_until: batch.commit_until,
            reveal_until: batch.reveal_until,
        };
        emit_cpi!(event);
        Ok(())
    }
}
