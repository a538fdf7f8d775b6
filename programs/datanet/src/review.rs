//! Begins a batch's review, for both ways to hand a batch in.

use crate::{
    events::BatchSubmitted,
    state::{Batch, BatchStatus, Config},
};
use anchor_lang::prelude::*;
use openledger_protocol::hash::ZERO;
use openledger_shared::{checked::add, sequence};

/// Closes the batch to changes and opens its review windows.
pub(crate) fn begin(
    batch: &mut Account<Batch>,
    config: &Config,
    manifest: [u8; 32],
    slot: u64,
) -> Result<BatchSubmitted> {
    batch.status = BatchStatus::Review;
    batch.manifest = manifest;
    batch.submitted_slot = slot;
    batch.commit_until = add(slot, config.commit_slots)?;
    batch.reveal_until = add(batch.commit_until, config.reveal_slots)?;
    Ok(BatchSubmitted {
        batch: batch.key(),
        sequence: sequence::take(&mut batch.sequence)?,
        root: batch.root()?,
        count: batch.count,
        manifest,
        bulk: batch.bulk_root != ZERO,
        commit_until: batch.commit_until,
        reveal_until: batch.reveal_until,
    })
}
