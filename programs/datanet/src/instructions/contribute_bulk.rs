//! `contribute_bulk`: hands in a batch by the root over its leaves. It is for imports whose leaf hashes would cost too
//! much on the ledger.

use super::submit_batch::SubmitBatch;
use crate::{error::DatanetError, events::EMITTER, review, state::*};
use anchor_lang::prelude::*;
use openledger_protocol::hash::ZERO;
use openledger_shared::slot_unless_paused;

/// Arguments of `contribute_bulk`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContributeBulkArgs {
    /// Root of the range over the leaf hashes (`openledger_protocol::mmr`).
    pub root: [u8; 32],
    /// Number of leaves, 1 to 1,048,576.
    pub count: u64,
    /// SHA-256 of the manifest (leaf preimages and metadata) in the artifact store.
    pub manifest: [u8; 32],
}

/// `contribute_bulk` has the accounts of `submit_batch`.
impl SubmitBatch<'_> {
    /// Checks that the batch is open and empty, because a batch cannot have both a root and leaves on the ledger.
    /// Returns the slot.
    ///
    /// The program cannot check that the manifest's leaves lead to the root. The panel can: it reads the manifest, and
    /// rejects a batch whose root differs. A root without known leaves would prove nothing anyway.
    fn validate_bulk(&self, args: &ContributeBulkArgs) -> Result<u64> {
        let slot = slot_unless_paused(self.config.paused_until)?;
        require!(self.batch.status == BatchStatus::Open, DatanetError::BatchNotOpen);
        require!(self.batch.count == 0, DatanetError::NotEmpty);
        require!((1..=MAX_BULK).contains(&args.count), DatanetError::BadBulkCount);
        require!(args.root != ZERO && args.manifest != ZERO, DatanetError::ZeroHash);
        Ok(slot)
    }
}

/// Writes root and count, and opens the review windows.
pub(crate) fn handler(ctx: Context<SubmitBatch>, args: ContributeBulkArgs) -> Result<()> {
    let slot = ctx.accounts.validate_bulk(&args)?;
    let batch = &mut ctx.accounts.batch;
    batch.bulk_root = args.root;
    batch.count = args.count;
    let event = review::begin(batch, &ctx.accounts.config, args.manifest, slot)?;
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
