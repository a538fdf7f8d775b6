//! `cancel_batch`: the contributor cancels a batch that it has not submitted. Bond and rent return.

use crate::{
    bond,
    error::DatanetError,
    events::{BatchRejected, EMITTER},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use anchor_spl::token::{Mint, Token, TokenAccount};
use openledger_shared::{sequence, slot_unless_paused};

/// Accounts of `cancel_batch`.
#[event_cpi]
#[derive(Accounts)]
pub struct CancelBatch<'info> {
    /// The batch's contributor.
    #[account(mut)]
    pub contributor: Signer<'info>,
    /// The config.
    #[account(seeds = [seeds::CONFIG], bump = config.bump)]
    pub config: Box<Account<'info, Config>>,
    /// The Datanet.
    #[account(
        mut, seeds = [seeds::DATANET, datanet.creator.as_ref(), &datanet.id.to_le_bytes()], bump = datanet.bump,
    )]
    pub datanet: Box<Account<'info, Datanet>>,
    /// The batch, which is closed here.
    #[account(
        mut, close = contributor,
        seeds = [seeds::BATCH, datanet.key().as_ref(), &batch.index.to_le_bytes()], bump = batch.bump,
        has_one = contributor @ DatanetError::NotContributor,
    )]
    pub batch: Box<Account<'info, Batch>>,
    /// The OPEN mint.
    #[account(address = config.open_mint @ DatanetError::WrongMint)]
    pub open_mint: Box<Account<'info, Mint>>,
    /// The bond vault.
    #[account(mut, seeds = [seeds::BOND], bump = config.bond_bump)]
    pub bond_vault: Box<Account<'info, TokenAccount>>,
    /// The contributor's OPEN: the bond returns here.
    #[account(
        mut,
        constraint = contributor_token.mint == open_mint.key() @ DatanetError::WrongMint,
        constraint = contributor_token.owner == contributor.key() @ DatanetError::WrongTokenOwner,
    )]
    pub contributor_token: Box<Account<'info, TokenAccount>>,
    /// The SPL Token program.
    pub token_program: Program<'info, Token>,
}

impl CancelBatch<'_> {
    /// Checks that the batch is still open. A batch under review cannot avoid its verdict.
    fn validate(&self) -> Result<()> {
        slot_unless_paused(self.config.paused_until)?;
        require!(self.batch.status == BatchStatus::Open, DatanetError::BatchNotOpen);
        Ok(())
    }
}

/// Returns the bond.
pub(crate) fn handler(ctx: Context<CancelBatch>) -> Result<()> {
    ctx.accounts.validate()?;
    let a = &mut *ctx.accounts;
    bond::release(&a.config, &a.bond_vault, &a.open_mint, &a.contributor_token, &a.token_program, a.batch.bond)?;
    let event = BatchRejected {
        datanet: a.datanet.key(),
        sequence: sequence::take(&mut a.datanet.sequence)?,
        batch: a.batch.key(),
        index: a.batch.index,
        contributor: a.batch.contributor,
        expired: true,
        rejected_by: Vec::new(),
    };
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
