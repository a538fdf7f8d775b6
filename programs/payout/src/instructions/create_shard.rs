//! `create_shard`: makes the next shard of the vault.

use crate::{
    error::PayoutError,
    events::{EMITTER, ShardCreated},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use anchor_spl::token::{Mint, Token, TokenAccount};
use openledger_shared::sequence;

/// Accounts of `create_shard`.
#[event_cpi]
#[derive(Accounts)]
#[instruction(index: u8)]
pub struct CreateShard<'info> {
    /// The config's authority. It pays the rent.
    #[account(mut)]
    pub authority: Signer<'info>,
    /// The config.
    #[account(
        mut,
        seeds = [seeds::CONFIG],
        bump = config.bump,
        has_one = authority @ PayoutError::NotAuthority,
        has_one = open_mint @ PayoutError::WrongMint
    )]
    pub config: Box<Account<'info, Config>>,
    /// The shard to make.
    #[account(
        init,
        payer = authority,
        space = 8 + Shard::INIT_SPACE,
        seeds = [seeds::SHARD, &[index]],
        bump
    )]
    pub shard: Box<Account<'info, Shard>>,
    /// The shard's token account, to make.
    #[account(
        init,
        payer = authority,
        seeds = [seeds::VAULT, &[index]],
        bump,
        token::mint = open_mint,
        token::authority = shard
    )]
    pub vault: Box<Account<'info, TokenAccount>>,
    /// The OPEN mint.
    pub open_mint: Box<Account<'info, Mint>>,
    /// The SPL Token program.
    pub token_program: Program<'info, Token>,
    /// The system program.
    pub system_program: Program<'info, System>,
}

impl CreateShard<'_> {
    fn validate(&self, index: u8) -> Result<()> {
        require!(self.config.shards < MAX_SHARDS, PayoutError::TooManyShards);
        require!(index == self.config.shards, PayoutError::WrongShardIndex);
        Ok(())
    }
}

/// Makes the shard.
pub(crate) fn handler(ctx: Context<CreateShard>, index: u8) -> Result<()> {
    ctx.accounts.validate(index)?;
    ctx.accounts.shard.set_inner(Shard {
        version: Version::CURRENT,
        bump: ctx.bumps.shard,
        vault_bump: ctx.bumps.vault,
        index,
        vault: ctx.accounts.vault.key(),
        funded: [0; POOLS],
        claimed: [0; POOLS],
        outflow: 0,
        outflow_slot: 0,
        sequence: 0,
    });
    let config = &mut ctx.accounts.config;
    config.shards = index + 1; // at most MAX_SHARDS
    let event = ShardCreated {
        config: config.key(),
        sequence: sequence::take(&mut config.sequence)?,
        shard: ctx.accounts.shard.key(),
        index,
        vault: ctx.accounts.vault.key(),
    };
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
