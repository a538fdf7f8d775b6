//! `expire_batch`: ends a batch that its panel did not decide. The bond returns.

use crate::{
    bond,
    error::DatanetError,
    events::{BatchRejected, EMITTER},
    seeds,
    state::*,
    verdict,
};
use anchor_lang::prelude::*;
use anchor_spl::token::{Mint, Token, TokenAccount};
use openledger_shared::{sequence, slot_unless_paused};

/// Accounts of `expire_batch`. Anyone may send it.
#[event_cpi]
#[derive(Accounts)]
pub struct ExpireBatch<'info> {
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
    /// CHECK: the batch's contributor by address: the rent returns to it.
    #[account(mut)]
    pub contributor: UncheckedAccount<'info>,
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

impl ExpireBatch<'_> {
    /// Checks that no decision can come any more.
    fn validate(&self) -> Result<()> {
        require!(self.batch.status == BatchStatus::Review, DatanetError::BatchNotInReview);
        let hopeless = verdict::is_hopeless(&self.batch, &self.config, slot_unless_paused(self.config.paused_until)?);
        require!(hopeless, DatanetError::ExpireTooEarly);
        Ok(())
    }
}

/// Returns the bond.
pub(crate) fn handler(ctx: Context<ExpireBatch>) -> Result<()> {
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
        rejected_by: verdict::voters(&a.batch.reviews, false),
    };
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
