//! `contribute`: adds leaves to a batch. Their hashes are in the instruction's data, so that anyone can rebuild the
//! tree from the ledger alone.

use crate::{
    error::DatanetError,
    events::{Contributed, EMITTER},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use openledger_protocol::{hash::ZERO, mmr};
use openledger_shared::sequence;

/// Accounts of `contribute`. There are as few as possible, so that 28 leaves fit in a transaction of 1,232 bytes.
#[event_cpi]
#[derive(Accounts)]
pub struct Contribute<'info> {
    /// The batch's contributor.
    pub contributor: Signer<'info>,
    /// The batch.
    #[account(
        mut, seeds = [seeds::BATCH, batch.datanet.as_ref(), &batch.index.to_le_bytes()], bump = batch.bump,
        has_one = contributor @ DatanetError::NotContributor,
    )]
    pub batch: Box<Account<'info, Batch>>,
}

impl Contribute<'_> {
    /// Checks that the batch is open and has room, and that no leaf is empty.
    fn validate(&self, leaves: &[[u8; 32]]) -> Result<()> {
        require!(self.batch.status == BatchStatus::Open, DatanetError::BatchNotOpen);
        require!(!leaves.is_empty(), DatanetError::NoLeaves);
        require!(leaves.len() as u64 <= MAX_BATCH - self.batch.count, DatanetError::BatchFull);
        require!(!leaves.contains(&ZERO), DatanetError::ZeroHash);
        Ok(())
    }
}

/// Appends the leaves to the batch's range.
pub(crate) fn handler(ctx: Context<Contribute>, leaves: Vec<[u8; 32]>) -> Result<()> {
    ctx.accounts.validate(&leaves)?;
    let batch = &mut ctx.accounts.batch;
    let first = batch.count;
    for leaf in &leaves {
        let count = batch.count;
        batch.count = mmr::append(count, &mut batch.peaks, *leaf).map_err(DatanetError::from)?;
    }
    let event = Contributed {
        batch: batch.key(),
        sequence: sequence::take(&mut batch.sequence)?,
        first,
        count: leaves.len() as u32,
    };
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
