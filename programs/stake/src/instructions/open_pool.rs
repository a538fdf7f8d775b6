//! `open_pool`: opens an operator's pool for delegations.

use crate::{
    error::StakeError,
    events::{CommissionSet, EMITTER},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use anchor_spl::token::{Mint, Token, TokenAccount};

/// Accounts of `open_pool`.
#[event_cpi]
#[derive(Accounts)]
pub struct OpenPool<'info> {
    /// The operator's wallet. It pays the rent.
    #[account(mut)]
    pub owner: Signer<'info>,
    /// The config.
    #[account(seeds = [seeds::CONFIG], bump = config.bump)]
    pub config: Box<Account<'info, Config>>,
    /// The operator.
    #[account(seeds = [seeds::OPERATOR, owner.key().as_ref()], bump = operator.bump, has_one = owner)]
    pub operator: Box<Account<'info, Operator>>,
    /// The operator's position. From now on, slashes of the position also slash the pool.
    #[account(
        mut,
        seeds = [seeds::POSITION, owner.key().as_ref(), &[Role::Operator as u8]],
        bump = position.bump,
        has_one = owner
    )]
    pub position: Box<Account<'info, Position>>,
    /// The pool to make.
    #[account(init, payer = owner, space = 8 + Pool::INIT_SPACE, seeds = [seeds::POOL, owner.key().as_ref()], bump)]
    pub pool: Box<Account<'info, Pool>>,
    /// The OPEN mint.
    #[account(address = config.open_mint @ StakeError::WrongMint)]
    pub open_mint: Box<Account<'info, Mint>>,
    /// Token account of the pool's rewards, to make. Anyone may pay into it.
    #[account(
        init,
        payer = owner,
        seeds = [seeds::REWARDS, owner.key().as_ref()],
        bump,
        token::mint = open_mint,
        token::authority = pool
    )]
    pub reward_vault: Box<Account<'info, TokenAccount>>,
    /// The SPL Token program.
    pub token_program: Program<'info, Token>,
    /// The system program.
    pub system_program: Program<'info, System>,
}

impl OpenPool<'_> {
    fn validate(&self, commission_bps: u16) -> Result<()> {
        require!(commission_bps <= MAX_BPS, StakeError::ParameterOutOfBounds);
        Ok(())
    }
}

/// Makes the pool.
pub(crate) fn handler(ctx: Context<OpenPool>, commission_bps: u16) -> Result<()> {
    ctx.accounts.validate(commission_bps)?;
    let a = &mut *ctx.accounts;
    a.position.pooled = true;
    a.pool.set_inner(Pool {
        version: Version::CURRENT,
        bump: ctx.bumps.pool,
        vault_bump: ctx.bumps.reward_vault,
        operator: a.owner.key(),
        bonded: Shares::default(),
        unbonding: Shares::default(),
        slashed: Window::default(),
        commission_bps,
        next_commission_bps: commission_bps,
        commission_slot: 0,
        index: 0,
        owed: 0,
        commission: 0,
        sequence: 0,
    });
    let event = CommissionSet::of(&mut a.pool)?;
    EMITTER.emit(&a.event_authority, &event)
}
