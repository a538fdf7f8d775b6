//! A validator reveals the verdict that it committed to.

use crate::{error::DatanetError, events::VerdictRevealed, seeds, state::*};
use anchor_lang::prelude::*;
use openledger_protocol::draw;
use stake::sequence::take;

/// Accounts of `reveal_verdict`.
#[event_cpi]
#[derive(Accounts)]
pub struct RevealVerdict<'info> {
    /// The validator.
    pub validator: Signer<'info>,
    /// The Datanet: part of the batch's address.
    pub datanet: Box<Account<'info, Datanet>>,
    /// The config: whether the program is, or lately was, paused. There is one: its type is enough.
    pub config: Box<Account<'info, Config>>,
    /// The batch.
    #[account(
        mut, seeds = [seeds::BATCH, datanet.key().as_ref(), &batch.index.to_le_bytes()], bump = batch.bump,
    )]
    pub batch: Box<Account<'info, Batch>>,
}

impl RevealVerdict<'_> {
    /// Checks the window. It opens once nobody can commit any more, so that no verdict is copied.
    pub fn validate(&self, quality: u16) -> Result<()> {
        let (batch, slot) = (&self.batch, self.config.running()?);
        require!(batch.status == BatchStatus::Review, DatanetError::BatchNotInReview);
        require!(slot > batch.commit_until || batch.reviews.len() == MAX_PANEL, DatanetError::RevealTooEarly);
        require!(slot <= batch.reveals_until(&self.config), DatanetError::RevealClosed);
        require!(batch.reviews.len() >= usize::from(batch.quorum), DatanetError::TooFewCommitments);
        require!(quality <= MAX_QUALITY, DatanetError::BadQuality);
        Ok(())
    }

    /// Checks the commitment and writes the verdict.
    pub fn handler(ctx: Context<Self>, approve: bool, quality: u16, salt: [u8; 32]) -> Result<()> {
        let a = &mut *ctx.accounts;
        let (validator, batch_key) = (a.validator.key(), a.batch.key());
        let review = a.batch.reviews.iter_mut().find(|r| r.validator == validator).ok_or(DatanetError::NotCommitted)?;
        require!(review.approve.is_none(), DatanetError::AlreadyRevealed);
        let commitment =
            draw::verdict_commitment(&batch_key.to_bytes(), &validator.to_bytes(), approve, quality, &salt);
        require!(review.commitment == commitment, DatanetError::CommitmentMismatch);
        review.approve = Some(approve);
        review.quality = quality;
        let event =
            VerdictRevealed { batch: batch_key, sequence: take(&mut a.batch.sequence)?, validator, approve, quality };
        emit_cpi!(event);
        Ok(())
    }
}
