//! A drawn validator commits to its verdict.

use crate::{error::DatanetError, events::VerdictCommitted, panel, seeds, state::*};
use anchor_lang::{prelude::*, solana_program::sysvar::SysvarId};
use openledger_protocol::{draw, hash::ZERO};
use stake::sequence::take;
use stake::state::{Config as StakeConfig, Position, Role};

/// Accounts of `commit_verdict`.
#[event_cpi]
#[derive(Accounts)]
pub struct CommitVerdict<'info> {
    /// The validator.
    pub validator: Signer<'info>,
    /// Its stake as a validator.
    #[account(
        constraint = position.owner == validator.key() @ DatanetError::NotValidator,
        constraint = position.role == Role::Validator @ DatanetError::NotValidator,
    )]
    pub position: Box<Account<'info, Position>>,
    /// The stake program's config: the least and the total stake of validators.
    #[account(seeds = [stake::seeds::CONFIG], bump = stake_config.bump, seeds::program = stake::ID)]
    pub stake_config: Box<Account<'info, StakeConfig>>,
    /// The Datanet: part of the batch's address.
    pub datanet: Box<Account<'info, Datanet>>,
    /// The config: whether the program is paused. There is one: its type is enough.
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
    /// Checks everything but the draw, which needs the seed.
    pub fn validate(&self, commitment: &[u8; 32]) -> Result<()> {
        let slot = self.config.running()?;
        let (batch, validator) = (&self.batch, self.validator.key());
        require!(batch.status == BatchStatus::Review, DatanetError::BatchNotInReview);
        require!(slot <= batch.commit_until, DatanetError::CommitClosed);
        require_keys_neq!(validator, batch.contributor, DatanetError::OwnBatch);
        require!(self.position.amount >= self.stake_config.min_validator_stake, DatanetError::NotValidator);
        require!(self.position.since_slot <= batch.submitted_slot, DatanetError::StakeTooYoung);
        require!(batch.reviews.iter().all(|r| r.validator != validator), DatanetError::AlreadyCommitted);
        require!(batch.reviews.len() < MAX_PANEL, DatanetError::PanelFull);
        require!(*commitment != ZERO, DatanetError::ZeroHash);
        Ok(())
    }

    /// Fixes the seed if it is the first to need it, checks the draw, writes the commitment.
    pub fn handler(ctx: Context<Self>, commitment: [u8; 32]) -> Result<()> {
        let a = &mut *ctx.accounts;
        let validator = a.validator.key();
        if a.batch.seed == ZERO {
            a.batch.seed = panel::seed(&a.slot_hashes.try_borrow_data()?, a.batch.submitted_slot)?;
        }
        let drawn = draw::is_drawn(
            &a.batch.seed,
            &validator.to_bytes(),
            a.position.amount,
            a.stake_config.validator_stake,
            a.batch.panel_size,
        );
        require!(drawn, DatanetError::NotDrawn);
        a.batch.reviews.push(Review { validator, commitment, approve: None, quality: 0 });
        let event = VerdictCommitted { batch: a.batch.key(), sequence: take(&mut a.batch.sequence)?, validator };
        emit_cpi!(event);
        Ok(())
    }
}
