//! `reveal_verdict`: a validator reveals the verdict that it committed to.

use crate::{
    error::DatanetError,
    events::{EMITTER, VerdictRevealed},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use openledger_protocol::draw;
use openledger_shared::{sequence, slot_unless_paused};

/// Accounts of `reveal_verdict`.
#[event_cpi]
#[derive(Accounts)]
pub struct RevealVerdict<'info> {
    /// The validator.
    pub validator: Signer<'info>,
    /// The Datanet: part of the batch's address.
    pub datanet: Box<Account<'info, Datanet>>,
    /// The config: whether the program is, or lately was, paused. There is only one, so its type identifies it.
    pub config: Box<Account<'info, Config>>,
    /// The batch.
    #[account(
        mut, seeds = [seeds::BATCH, datanet.key().as_ref(), &batch.index.to_le_bytes()], bump = batch.bump,
    )]
    pub batch: Box<Account<'info, Batch>>,
}

impl RevealVerdict<'_> {
    /// Checks window and commitment, and returns the index of the review. The window opens once nobody can commit any
    /// more, so that no verdict can be copied.
    fn validate(&self, approve: bool, quality: u16, salt: &[u8; 32]) -> Result<usize> {
        let (batch, slot) = (&self.batch, slot_unless_paused(self.config.paused_until)?);
        require!(batch.status == BatchStatus::Review, DatanetError::BatchNotInReview);
        require!(slot > batch.commit_until || batch.reviews.len() == MAX_PANEL, DatanetError::RevealTooEarly);
        require!(slot <= batch.reveals_until(&self.config), DatanetError::RevealClosed);
        require!(batch.reviews.len() >= usize::from(batch.quorum), DatanetError::TooFewCommitments);
        require!(quality <= MAX_QUALITY, DatanetError::BadQuality);
        let validator = self.validator.key();
        let place = batch.reviews.iter().position(|r| r.validator == validator).ok_or(DatanetError::NotCommitted)?;
        let review = &batch.reviews[place];
        require!(review.approve.is_none(), DatanetError::AlreadyRevealed);
        let (batch, validator) = (batch.key().to_bytes(), validator.to_bytes());
        let commitment = draw::verdict_commitment(&batch, &validator, approve, quality, salt);
        require!(review.commitment == commitment, DatanetError::CommitmentMismatch);
        Ok(place)
    }
}

/// Writes the verdict.
pub(crate) fn handler(ctx: Context<RevealVerdict>, approve: bool, quality: u16, salt: [u8; 32]) -> Result<()> {
    let place = ctx.accounts.validate(approve, quality, &salt)?;
    let (batch, validator) = (&mut ctx.accounts.batch, ctx.accounts.validator.key());
    batch.reviews[place].approve = Some(approve);
    batch.reviews[place].quality = quality;
    let sequence = sequence::take(&mut batch.sequence)?;
    let event = VerdictRevealed { batch: batch.key(), sequence, validator, approve, quality };
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
