//! `fund`: pays into a pool. Anyone may send it. Training jobs pay their data share this way.

use crate::{
    error::PayoutError,
    events::{EMITTER, Funded},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use anchor_spl::token::{self, Token, TokenAccount, Transfer};
use openledger_shared::{checked::add, sequence};

/// Accounts of `fund`.
#[event_cpi]
#[derive(Accounts)]
pub struct Fund<'info> {
    /// The payer, which is the authority of the source token account. It may be a PDA.
    pub payer: Signer<'info>,
    /// Token account of the payer.
    #[account(mut, token::mint = config.open_mint, token::authority = payer)]
    pub payer_token: Box<Account<'info, TokenAccount>>,
    /// The config.
    #[account(seeds = [seeds::CONFIG], bump = config.bump)]
    pub config: Box<Account<'info, Config>>,
    /// Any shard.
    #[account(mut, seeds = [seeds::SHARD, &[shard.index]], bump = shard.bump)]
    pub shard: Box<Account<'info, Shard>>,
    /// The shard's vault.
    #[account(mut, address = shard.vault @ PayoutError::WrongVault)]
    pub vault: Box<Account<'info, TokenAccount>>,
    /// The SPL Token program.
    pub token_program: Program<'info, Token>,
}

impl Fund<'_> {
    fn validate(&self, amount: u64) -> Result<()> {
        require!(amount > 0, PayoutError::ZeroAmount);
        Ok(())
    }
}

/// Transfers the amount and adds it to the pool's funding.
pub(crate) fn handler(ctx: Context<Fund>, pool: Pool, subject: Pubkey, amount: u64) -> Result<()> {
    ctx.accounts.validate(amount)?;
    let a = &mut *ctx.accounts;
    let funded = &mut a.shard.funded[pool as usize];
    *funded = add(*funded, amount)?;
    let accounts = Transfer {
        from: a.payer_token.to_account_info(),
        to: a.vault.to_account_info(),
        authority: a.payer.to_account_info(),
    };
    token::transfer(CpiContext::new(a.token_program.key(), accounts), amount)?;
    let event = Funded {
        shard: a.shard.key(),
        sequence: sequence::take(&mut a.shard.sequence)?,
        pool,
        subject,
        payer: a.payer.key(),
        amount,
        epoch: a.config.epoch,
    };
    EMITTER.emit(&a.event_authority, &event)
}
