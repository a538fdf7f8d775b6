//! `commit_verdict`: a drawn validator commits to its verdict.

use crate::{
    error::DatanetError,
    events::{EMITTER, VerdictCommitted},
    panel, seeds,
    state::*,
};
use anchor_lang::{prelude::*, solana_program::sysvar::SysvarId};
use openledger_protocol::{draw, hash::ZERO};
use openledger_shared::{sequence, slot_unless_paused};
use stake::state::{Config as StakeConfig, Position, Role};

/// Accounts of `commit_verdict`.
#[event_cpi]
#[derive(Accounts)]
pub struct CommitVerdict<'info> {
    /// The validator.
    pub validator: Signer<'info>,
    /// The signer's position as a validator.
    #[account(
        constraint = position.owner == validator.key() @ DatanetError::NotValidator,
        constraint = position.role == Role::Validator @ DatanetError::NotValidator,
    )]
    pub position: Box<Account<'info, Position>>,
    /// The stake program's config: the least and the total stake of validators.
    #[account(seeds = [stake::seeds::CONFIG], bump = stake_config.bump, seeds::program = stake::ID)]
    pub stake_config: Box<Account<'info, StakeConfig>>,
    /// The Datanet, which is part of the batch's address.
    pub datanet: Box<Account<'info, Datanet>>,
    /// The config: whether the program is paused. There is only one, so its type identifies it.
    pub config: Box<Account<'info, Config>>,
    /// The batch.
    #[account(
        mut, seeds = [seeds::BATCH, datanet.key().as_ref(), &batch.index.to_le_bytes()], bump = batch.bump,
    )]
    pub batch: Box<Account<'info, Batch>>,
    /// CHECK: the SlotHashes sysvar by address; its bytes are searched in place.
    #[account(address = SlotHashes::id())]
    pub slot_hashes: UncheckedAccount<'info>,
}

impl CommitVerdict<'_> {
    /// Checks window, stake and draw, and returns the seed of the draw.
    fn validate(&self, commitment: &[u8; 32]) -> Result<[u8; 32]> {
        let slot = slot_unless_paused(self.config.paused_until)?;
        let (batch, validator) = (&self.batch, self.validator.key());
        require!(batch.status == BatchStatus::Review, DatanetError::BatchNotInReview);
        require!(slot <= batch.commit_until, DatanetError::CommitClosed);
        require_keys_neq!(validator, batch.contributor, DatanetError::OwnBatch);
        require!(self.position.amount >= self.stake_config.min_validator_stake, DatanetError::NotValidator);
        require!(self.position.since_slot <= batch.submitted_slot, DatanetError::StakeTooYoung);
        require!(batch.reviews.iter().all(|r| r.validator != validator), DatanetError::AlreadyCommitted);
        require!(batch.reviews.len() < MAX_PANEL, DatanetError::PanelFull);
        require!(*commitment != ZERO, DatanetError::ZeroHash);
        let seed = match batch.seed {
            ZERO => panel::seed(&self.slot_hashes.try_borrow_data()?, batch.submitted_slot)?,
            fixed => fixed,
        };
        let stake = self.stake_config.validator_stake;
        let drawn = draw::is_drawn(&seed, &validator.to_bytes(), self.position.amount, stake, batch.panel_size);
        require!(drawn, DatanetError::NotDrawn);
        Ok(seed)
    }
}

/// Fixes the seed if this is the batch's first commitment and nobody has fixed it before. Writes the commitment.
pub(crate) fn handler(ctx: Context<CommitVerdict>, commitment: [u8; 32]) -> Result<()> {
    let seed = ctx.accounts.validate(&commitment)?;
    let (batch, validator) = (&mut ctx.accounts.batch, ctx.accounts.validator.key());
    batch.seed = seed;
    batch.reviews.push(Review { validator, commitment, approve: None, quality: 0 });
    let event = VerdictCommitted { batch: batch.key(), sequence: sequence::take(&mut batch.sequence)?, validator };
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
