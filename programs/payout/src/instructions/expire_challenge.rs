//! `expire_challenge`: ends a challenge that the authority did not resolve in time. The settlement continues.

use crate::{
    challenge::{Outcome, release, unfreeze},
    error::PayoutError,
    events::{ChallengeResolved, EMITTER},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use anchor_spl::token::{Token, TokenAccount};
use openledger_shared::sequence;

/// Accounts of `expire_challenge`.
#[event_cpi]
#[derive(Accounts)]
pub struct ExpireChallenge<'info> {
    /// The config.
    #[account(mut, seeds = [seeds::CONFIG], bump = config.bump)]
    pub config: Box<Account<'info, Config>>,
    /// The settlement.
    #[account(
        mut,
        seeds = [seeds::SETTLEMENT, &settlement.epoch.to_le_bytes()],
        bump = settlement.bump,
        constraint = settlement.sequence == challenge.posting @ PayoutError::WrongSettlement
    )]
    pub settlement: Box<Account<'info, Settlement>>,
    /// The challenge, which is closed here.
    #[account(
        mut,
        close = challenger,
        seeds = [seeds::CHALLENGE, &challenge.posting.to_le_bytes(), &[challenge.number]],
        bump = challenge.bump,
        has_one = challenger
    )]
    pub challenge: Box<Account<'info, Challenge>>,
    /// Token account of the bond, which is closed here.
    #[account(mut, seeds = [seeds::BOND, challenge.key().as_ref()], bump = challenge.bond_bump)]
    pub bond: Box<Account<'info, TokenAccount>>,
    /// The challenger: receives the rent.
    /// CHECK: the challenge names it.
    #[account(mut)]
    pub challenger: UncheckedAccount<'info>,
    /// Token account of the challenger that the bond returns to.
    #[account(
        mut,
        token::mint = config.open_mint,
        constraint = recipient.owner == challenge.challenger @ PayoutError::WrongRecipient
    )]
    pub recipient: Box<Account<'info, TokenAccount>>,
    /// The SPL Token program.
    pub token_program: Program<'info, Token>,
}

impl ExpireChallenge<'_> {
    /// Checks that the authority's time to decide is over, and returns the slot.
    fn validate(&self) -> Result<u64> {
        let slot = Clock::get()?.slot;
        require!(slot > self.challenge.resolve_by, PayoutError::NotExpired);
        Ok(slot)
    }
}

/// Returns the bond and resumes the settlement.
pub(crate) fn handler(ctx: Context<ExpireChallenge>) -> Result<()> {
    let slot = ctx.accounts.validate()?;
    let a = &mut *ctx.accounts;
    let released = release(&a.challenge, &a.bond, &a.recipient, &a.challenger, a.token_program.key())?;
    unfreeze(&mut a.settlement, &a.challenge, slot)?;
    let event = ChallengeResolved {
        config: a.config.key(),
        sequence: sequence::take(&mut a.config.sequence)?,
        epoch: a.settlement.epoch,
        challenge: a.challenge.key(),
        outcome: Outcome::Expired,
        recipient: a.recipient.key(),
        released,
        active_after: a.settlement.active_after,
    };
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
