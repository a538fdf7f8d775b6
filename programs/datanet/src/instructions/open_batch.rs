//! `open_batch`: opens a batch of contributions and takes its bond.

use crate::{
    error::DatanetError,
    events::{BatchOpened, EMITTER},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use anchor_spl::token::{self, Mint, Token, TokenAccount, TransferChecked};
use openledger_shared::{checked::add, sequence, slot_unless_paused};

/// Accounts of `open_batch`.
#[event_cpi]
#[derive(Accounts)]
pub struct OpenBatch<'info> {
    /// The contributor. It pays the bond, and the rent until the batch ends.
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
    /// The batch to make; its number is `datanet.batches`.
    #[account(
        init, payer = contributor, space = 8 + Batch::INIT_SPACE,
        seeds = [seeds::BATCH, datanet.key().as_ref(), &datanet.batches.to_le_bytes()], bump,
    )]
    pub batch: Box<Account<'info, Batch>>,
    /// The OPEN mint.
    #[account(address = config.open_mint @ DatanetError::WrongMint)]
    pub open_mint: Box<Account<'info, Mint>>,
    /// The contributor's OPEN: the bond comes from here.
    #[account(
        mut,
        constraint = contributor_token.mint == open_mint.key() @ DatanetError::WrongMint,
        constraint = contributor_token.owner == contributor.key() @ DatanetError::WrongTokenOwner,
    )]
    pub contributor_token: Box<Account<'info, TokenAccount>>,
    /// The bond vault.
    #[account(mut, seeds = [seeds::BOND], bump = config.bond_bump)]
    pub bond_vault: Box<Account<'info, TokenAccount>>,
    /// The SPL Token program.
    pub token_program: Program<'info, Token>,
    /// The System program.
    pub system_program: Program<'info, System>,
}

impl OpenBatch<'_> {
    /// Checks the pause and the bond.
    fn validate(&self, bond: u64) -> Result<()> {
        slot_unless_paused(self.config.paused_until)?;
        require!(!self.datanet.paused, DatanetError::Paused);
        require_gte!(bond, self.datanet.min_bond, DatanetError::BondTooSmall);
        Ok(())
    }
}

/// Takes the bond and writes the batch.
pub(crate) fn handler(ctx: Context<OpenBatch>, bond: u64) -> Result<()> {
    ctx.accounts.validate(bond)?;
    let a = &mut *ctx.accounts;
    let accounts = TransferChecked {
        from: a.contributor_token.to_account_info(),
        mint: a.open_mint.to_account_info(),
        to: a.bond_vault.to_account_info(),
        authority: a.contributor.to_account_info(),
    };
    token::transfer_checked(CpiContext::new(a.token_program.key(), accounts), bond, a.open_mint.decimals)?;

    let index = a.datanet.batches;
    a.datanet.batches = add(index, 1)?;
    // Written field by field: a new account is zero, and a whole `Batch` value would crowd the stack frame.
    let batch = &mut a.batch;
    batch.version = Version::CURRENT;
    batch.bump = ctx.bumps.batch;
    batch.datanet = a.datanet.key();
    batch.index = index;
    batch.contributor = a.contributor.key();
    batch.status = BatchStatus::Open;
    batch.bond = bond;
    batch.panel_size = a.datanet.panel_size;
    batch.quorum = a.datanet.quorum;
    let event = BatchOpened {
        datanet: a.datanet.key(),
        sequence: sequence::take(&mut a.datanet.sequence)?,
        batch: a.batch.key(),
        index,
        contributor: a.contributor.key(),
        bond,
    };
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
