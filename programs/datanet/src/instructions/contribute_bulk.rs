//! `contribute_bulk`: hands in a batch by the root over its leaves, for imports whose leaf hashes would cost too much on the ledger.

use super::submit_batch::SubmitBatch;
use crate::{error::DatanetError, events::EMITTER, review, state::*};
use anchor_lang::prelude::*;
use openledger_protocol::hash::ZERO;
use openledger_shared::running;

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
    /// Checks that the batch is open and empty: root and leaves cannot both be given. Returns the slot.
    ///
    /// Whether the manifest's leaves lead to the root the program cannot see. The panel can: it reads the manifest, and
    /// rejects a batch whose root is another. A root that nobody has leaves for would prove nothing in any case.
    fn validate_bulk(&self, args: &ContributeBulkArgs) -> Result<u64> {
        let slot = running(self.config.paused_until)?;
        require!(self.batch.status == BatchStatus::Open, DatanetError::BatchNotOpen);
        require!(self.batch.count == 0, DatanetError::NotEmpty);
        require!((1..=MAX_BULK).contains(&args.count), DatanetError::BadBulkCount);
        require!(args.root != ZERO && args.manifest != ZERO, DatanetError::ZeroHash);
        Ok(slot)
    }
}

/// Writes root and count, and opens the windows of review.
pub(crate) fn handler(ctx: Context<SubmitBatch>, args: ContributeBulkArgs) -> Result<()> {
    let slot = ctx.accounts.validate_bulk(&args)?;
    let batch = &mut ctx.accounts.batch;
    batch.bulk_root = args.root;
    batch.count = args.count;
    let event = review::begin(batch, &ctx.accounts.config, args.manifest, slot)?;
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
