//! `slash_by_authority`: punishes a fault by decision of the authority, which is governance after the hand-over.

use crate::{addresses, error::StakeError, punish::Parties, slash::Rate, state::*};
use anchor_lang::prelude::*;
use anchor_spl::token::{Token, TokenAccount};

/// Accounts of `slash_by_authority`.
#[event_cpi]
#[derive(Accounts)]
pub struct SlashByAuthority<'info> {
    /// The config's authority.
    pub authority: Signer<'info>,
    /// The config.
    #[account(mut, address = addresses::CONFIG, has_one = authority @ StakeError::NotAuthority)]
    pub config: Box<Account<'info, Config>>,
    /// The position to slash, an operator's or a validator's. This program makes positions only at their PDA.
    #[account(mut)]
    pub position: Box<Account<'info, Position>>,
    /// The pool of the position's owner, if and only if it has opened one.
    #[account(mut)]
    pub pool: Option<Box<Account<'info, Pool>>>,
    /// The stake vault.
    #[account(mut, address = addresses::VAULT)]
    pub vault: Box<Account<'info, TokenAccount>>,
    /// The insurance vault.
    #[account(mut, address = addresses::INSURANCE)]
    pub insurance: Box<Account<'info, TokenAccount>>,
    /// The SPL Token program.
    pub token_program: Program<'info, Token>,
}

impl SlashByAuthority<'_> {
    fn validate(&self, bps: u16) -> Result<()> {
        require!((1..=MAX_BPS).contains(&bps), StakeError::BadPart);
        Ok(())
    }
}

/// Slashes `bps` basis points of the position; the cap of a window bounds what is taken.
pub(crate) fn handler(ctx: Context<SlashByAuthority>, bps: u16, evidence: [u8; 32]) -> Result<()> {
    ctx.accounts.validate(bps)?;
    let a = &mut *ctx.accounts;
    let rate = Rate::judged(&a.config, bps);
    let parties = Parties {
        config: &mut a.config,
        position: &mut a.position,
        pool: a.pool.as_mut(),
        delegators_answer: true,
        vault: &a.vault,
        insurance: &a.insurance,
        token_program: &a.token_program,
        event_authority: &a.event_authority,
    };
    parties.slash(&rate, SlashReason::Authority, evidence)
}
