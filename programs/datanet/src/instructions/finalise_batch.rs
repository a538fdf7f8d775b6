//! `finalise_batch`: carries out a panel's decision.

use crate::{
    bond,
    error::DatanetError,
    events::{BatchAccepted, BatchRejected, EMITTER},
    seeds,
    state::*,
    verdict,
};
use anchor_lang::prelude::*;
use anchor_spl::token::{Mint, Token, TokenAccount};
use openledger_protocol::{batch::BatchLeaf, mmr};
use openledger_shared::{checked::add, sequence, slot_unless_paused};

/// Accounts of `finalise_batch`. Anyone may send it.
#[event_cpi]
#[derive(Accounts)]
pub struct FinaliseBatch<'info> {
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
    /// The contributor's OPEN. The bond of an accepted batch returns here. A rejected batch does not need it, so that a
    /// contributor cannot prevent forfeiture by closing it.
    #[account(
        mut,
        constraint = contributor_token.mint == open_mint.key() @ DatanetError::WrongMint,
        constraint = contributor_token.owner == contributor.key() @ DatanetError::WrongTokenOwner,
    )]
    pub contributor_token: Option<Box<Account<'info, TokenAccount>>>,
    /// Receives the bond of a rejected batch.
    #[account(mut, address = config.forfeit_to @ DatanetError::WrongForfeitAccount)]
    pub forfeit_to: Box<Account<'info, TokenAccount>>,
    /// The SPL Token program.
    pub token_program: Program<'info, Token>,
}

impl FinaliseBatch<'_> {
    /// Checks that the panel has decided, and returns its decision.
    fn validate(&self) -> Result<bool> {
        require!(self.batch.status == BatchStatus::Review, DatanetError::BatchNotInReview);
        let decision = verdict::decide(&self.batch, &self.config, slot_unless_paused(self.config.paused_until)?);
        let accepted = decision.ok_or(DatanetError::NotDecided)?;
        require!(!accepted || self.contributor_token.is_some(), DatanetError::MissingBondAccount);
        Ok(accepted)
    }

    fn accept(&mut self) -> Result<BatchAccepted> {
        let to = self.contributor_token.as_ref().ok_or(DatanetError::MissingBondAccount)?;
        self.release(to)?;
        let (batch, datanet_key) = (&self.batch, self.datanet.key());
        let root = batch.root()?;
        let leaf = BatchLeaf {
            datanet: datanet_key.to_bytes(),
            index: batch.index,
            contributor: batch.contributor.to_bytes(),
            root,
            count: batch.count,
        };
        let datanet = &mut self.datanet;
        let place = datanet.range.count;
        datanet.range.count = mmr::append(place, &mut datanet.range.peaks, leaf.hash()).map_err(DatanetError::from)?;
        datanet.accepted = add(datanet.accepted, 1)?;
        datanet.contributions = add(datanet.contributions, batch.count)?;
        Ok(BatchAccepted {
            datanet: datanet_key,
            sequence: sequence::take(&mut datanet.sequence)?,
            batch: batch.key(),
            index: batch.index,
            place,
            contributor: batch.contributor,
            root,
            count: batch.count,
            approved_by: verdict::voters(&batch.reviews, true),
            quality: verdict::mean_quality(&batch.reviews),
            datanet_root: mmr::root(datanet.range.count, &datanet.range.peaks).map_err(DatanetError::from)?,
        })
    }

    fn reject(&mut self) -> Result<BatchRejected> {
        self.release(&self.forfeit_to)?;
        let datanet = &mut self.datanet;
        datanet.rejected = add(datanet.rejected, 1)?;
        Ok(BatchRejected {
            datanet: datanet.key(),
            sequence: sequence::take(&mut datanet.sequence)?,
            batch: self.batch.key(),
            index: self.batch.index,
            contributor: self.batch.contributor,
            expired: false,
            rejected_by: verdict::voters(&self.batch.reviews, false),
        })
    }
}

impl<'info> FinaliseBatch<'info> {
    fn release(&self, to: &Account<'info, TokenAccount>) -> Result<()> {
        bond::release(&self.config, &self.bond_vault, &self.open_mint, to, &self.token_program, self.batch.bond)
    }
}

/// Appends an accepted batch to the Datanet and returns its bond, or forfeits the bond of a rejected one.
pub(crate) fn handler(ctx: Context<FinaliseBatch>) -> Result<()> {
    let accepted = ctx.accounts.validate()?;
    let a = &mut *ctx.accounts;
    if accepted {
        let event = a.accept()?;
        EMITTER.emit(&a.event_authority, &event)
    } else {
        let event = a.reject()?;
        EMITTER.emit(&a.event_authority, &event)
    }
}
